//! The stages in order: discover, read, encode, infer, structure, score, write.
