//! Ids, offsets and boxes against Hugging Face's implementations and rten's reference tests.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Encoder, TokenizerManager, TokenizerSource, WindowLimits};
use crate::error::ErrorCode;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/reference/tokenizers").join(name)
}

fn json<T: DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&fs::read(fixture(name)).expect(name)).expect(name)
}

fn encoder(name: &str) -> Encoder {
    Encoder::new(&TokenizerSource::find(&fixture(name)).unwrap()).unwrap()
}

#[derive(Deserialize)]
struct PageCase {
    words: Vec<String>,
    boxes: Vec<[i64; 4]>,
    input_ids: Vec<u32>,
    bbox: Vec<[u16; 4]>,
    word_ids: Vec<Option<u32>>,
}

#[test]
fn layoutlmv3_pages_match_the_processor() {
    let encoder = encoder("roberta-base");
    let cases: Vec<PageCase> = json("layoutlmv3_pages.json");
    assert!(cases.len() >= 20);
    for (index, case) in cases.iter().enumerate() {
        let words = || case.words.iter().map(String::as_str).zip(case.boxes.iter().copied());
        let whole =
            encoder.encode_page(words(), WindowLimits { max_tokens: usize::MAX >> 1, overlap: 0 }).unwrap();
        assert_eq!(whole.windows.len(), 1);
        let window = &whole.windows[0];
        assert_eq!(window.ids, case.input_ids, "page {index}");
        assert_eq!(window.boxes, case.bbox, "page {index}");
        assert_eq!(window.words, case.word_ids, "page {index}");

        // Cut to 512 tokens, the windows still hold exactly these tokens and every word has one answer.
        let cut = encoder.encode_page(words(), WindowLimits::new(512)).unwrap();
        assert_eq!(cut.windows.len() > 1, case.input_ids.len() > 512);
        let mut next = 0;
        for window in &cut.windows {
            assert!(window.len() <= 512 && window.start <= next);
            assert_eq!(window.ids[1..=window.content], case.input_ids[1 + window.start..][..window.content]);
            next = window.start + window.content;
        }
        assert_eq!(next + 2, case.input_ids.len());
        let answered: usize = cut.windows.iter().map(|window| window.answers().count()).sum();
        assert_eq!(answered + cut.without_tokens.len(), case.words.len());
    }
}

#[derive(Deserialize)]
struct TextCase {
    text: String,
    input_ids: Vec<u32>,
    offsets: Vec<(usize, usize)>,
    #[serde(default)]
    lower_case: bool,
}

fn assert_texts_match(encoder: &Encoder, cases: &[TextCase]) {
    assert!(cases.len() >= 20);
    for case in cases {
        let (ids, offsets) = encoder.ids_and_offsets(&case.text).unwrap();
        assert_eq!(ids, case.input_ids, "{:?}", case.text);
        assert_eq!(offsets, case.offsets, "{:?}", case.text);
        let encoded = encoder.encode_text(&case.text, WindowLimits::new(512)).unwrap();
        assert_eq!(encoded.windows.len(), 1);
        assert_eq!(encoded.windows[0].ids, case.input_ids, "{:?}", case.text);
    }
}

#[test]
fn bert_texts_match_from_a_bare_vocabulary() {
    let (lower, cased): (Vec<TextCase>, Vec<TextCase>) =
        json::<Vec<TextCase>>("bert_texts.json").into_iter().partition(|case| case.lower_case);
    assert_texts_match(&encoder("bert-base-uncased"), &lower);

    // The same vocabulary with `do_lower_case` false in the tokenizer's configuration.
    let folder = tempfile::tempdir().unwrap();
    fs::copy(fixture("bert-base-uncased/vocab.txt"), folder.path().join("vocab.txt")).unwrap();
    fs::write(folder.path().join("tokenizer_config.json"), br#"{"do_lower_case": false}"#).unwrap();
    let source = TokenizerSource::find(folder.path()).unwrap();
    assert_texts_match(&Encoder::new(&source).unwrap(), &cased);
}

#[test]
fn unigram_texts_match() {
    assert_texts_match(&encoder("unigram"), &json::<Vec<TextCase>>("unigram_texts.json"));
}

#[derive(Deserialize)]
struct Reftest {
    token_ids: Vec<u32>,
}

#[test]
fn rten_reference_ids_match() {
    let bert = encoder("bert-base-uncased");
    for name in ["monty-python-credits", "Metal_umlaut", "Rust_(programming_language)"] {
        let text = fs::read_to_string(fixture(&format!("rten/{name}.txt"))).unwrap();
        let expected: Reftest = json(&format!("rten/{name}-bert-base-uncased.json"));
        assert_eq!(bert.ids_and_offsets(&text).unwrap().0, expected.token_ids, "{name}");
    }

    // GPT-2's vocabulary is its byte alphabet in order followed by its merges in order; RoBERTa shares the merges.
    let folder = tempfile::tempdir().unwrap();
    let merges = fs::read_to_string(fixture("roberta-base/merges.txt")).unwrap();
    let printable = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut alphabet: Vec<char> =
        (0..256u32).filter(|&byte| printable(byte)).filter_map(char::from_u32).collect();
    alphabet.extend(
        (0..256u32)
            .filter(|&byte| !printable(byte))
            .enumerate()
            .filter_map(|(at, _)| char::from_u32(256 + u32::try_from(at).ok()?)),
    );
    let mut vocabulary: Vec<String> = alphabet.iter().map(char::to_string).collect();
    vocabulary.extend(
        merges.lines().filter(|line| !line.starts_with("#version")).map(|line| line.replacen(' ', "", 1)),
    );
    vocabulary.push("<|endoftext|>".into());
    let table: serde_json::Map<_, _> =
        vocabulary.into_iter().enumerate().map(|(id, token)| (token, id.into())).collect();
    fs::write(folder.path().join("vocab.json"), serde_json::to_vec(&table).unwrap()).unwrap();
    fs::write(folder.path().join("merges.txt"), merges).unwrap();
    let gpt2 = Encoder::new(&TokenizerSource::find(folder.path()).unwrap()).unwrap();
    let text = fs::read_to_string(fixture("rten/monty-python-credits.txt")).unwrap();
    let expected: Reftest = json("rten/monty-python-credits-gpt2.json");
    assert_eq!(gpt2.ids_and_offsets(&text).unwrap().0, expected.token_ids);
}

#[test]
fn long_texts_are_windowed_and_words_keep_their_bytes() {
    let text = "Revenue of Acme Corp. rose 12.4% to $1,234.5 million (unaudited). ".repeat(40);
    for name in ["bert-base-uncased", "roberta-base", "unigram"] {
        let encoded = encoder(name).encode_text(&text, WindowLimits::new(64)).unwrap();
        assert!(encoded.windows.len() > 5, "{name}");
        let answered: Vec<u32> = encoded
            .windows
            .iter()
            .flat_map(|window| window.answers().map(|answer| answer.word).collect::<Vec<_>>())
            .collect();
        let all: Vec<u32> = (0..u32::try_from(encoded.words.len()).unwrap()).collect();
        assert_eq!(answered, all, "{name}");
        let words: Vec<&str> = encoded.words.iter().map(|range| &text[range.clone()]).collect();
        assert_eq!(words[..3], ["Revenue", "of", "Acme"], "{name}");
        let letters =
            |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
        assert_eq!(letters(&words.concat()), letters(&text), "{name}");
    }
}

#[test]
fn pairs_carry_segments_and_are_cut_at_the_end() {
    let bert = encoder("bert-base-uncased");
    // BertTokenizerFast("Risk Factors", "We may lose money", truncation="only_second", max_length=...).
    let window = bert.encode_pair("Risk Factors", "We may lose money", 512).unwrap();
    assert_eq!(window.ids, [101, 3891, 5876, 102, 2057, 2089, 4558, 2769, 102]);
    assert_eq!(window.second_segment, 4);
    let window = bert.encode_pair("Risk Factors", "We may lose money", 7).unwrap();
    assert_eq!(
        (window.ids.as_slice(), window.second_segment),
        ([101u32, 3891, 5876, 102, 2057, 2089, 102].as_slice(), 4)
    );
    assert!(bert.encode_pair(&"risk ".repeat(50), "money", 16).unwrap().len() <= 16);
}

#[test]
fn tokenizers_are_loaded_once_and_failures_name_the_file() {
    let manager = TokenizerManager::new();
    let source = TokenizerSource::find(&fixture("unigram")).unwrap();
    assert!(std::sync::Arc::ptr_eq(&manager.load(&source).unwrap(), &manager.load(&source).unwrap()));

    let folder = tempfile::tempdir().unwrap();
    let error = TokenizerSource::find(folder.path()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenizerInvalid);
    for (name, bytes) in
        [("tokenizer.json", &b"{\"model\": 3}"[..]), ("vocab.txt", b"a\nb\n"), ("vocab.json", b"[]")]
    {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        let error = manager.load(&TokenizerSource::find(&file).unwrap()).unwrap_err();
        assert_eq!(
            (error.code(), error.culprit().file.as_deref()),
            (ErrorCode::TokenizerInvalid, Some(&*file))
        );
    }
}
