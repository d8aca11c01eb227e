//! Text and words to token ids: BPE, WordPiece and Unigram tokenizers, windows, word alignment.
