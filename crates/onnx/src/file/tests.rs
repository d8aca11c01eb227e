//! Hostile bytes and external data.

use std::path::Path;

use docproc_error::ErrorCode;
use proptest::prelude::*;

use super::write::write_with;
use super::*;

fn fixture() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/reference/quantize/qat.onnx");
    std::fs::read(path).expect("fixture")
}

/// A field with a length-delimited payload.
fn field(tag: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![tag << 3 | 2];
    prost::encoding::encode_varint(payload.len() as u64, &mut out);
    out.extend_from_slice(payload);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(bytes.into());
    }

    #[test]
    fn damaged_models_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = fixture();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(keep.index(bytes.len()));
        }
        if let Ok(proto) = parse(bytes.into()) {
            // What decodes has sizes that can be asked for without panicking or allocating.
            for tensor in &proto.graph.unwrap_or_default().initializer {
                let _ = tensor.inline_bytes();
            }
        }
    }
}

#[test]
fn errors_name_the_byte() {
    let error = parse(vec![0x3a, 0x05, 0x0a].into()).unwrap_err();
    assert_eq!((error.code(), error.culprit().offset), (ErrorCode::OnnxInvalid, Some(1)));
    // Field 99 of the model.
    let error = parse(vec![0x98, 0x06, 0x01].into()).unwrap_err();
    assert_eq!(error.culprit().offset, Some(0));
    assert!(error.to_string().contains("field 99"), "{error}");
    assert!(parse(Vec::new().into()).unwrap_err().to_string().contains("no graph"));
    let error = parse(field(7, &field(2, &[0xff, 0xfe])).into()).unwrap_err();
    assert!(error.to_string().contains("UTF-8"), "{error}");
}

#[test]
fn small_files_cannot_ask_for_much_memory() {
    // Two bytes per empty node, several hundred when decoded.
    let bytes = field(7, &[0x0a, 0x00].repeat(1_000_000));
    let error = parse(bytes.into()).unwrap_err();
    assert!(error.to_string().contains("MiB of memory"), "{error}");
}

#[test]
fn nesting_is_bounded() {
    // Graphs in attributes in nodes in graphs.
    let mut graph = Vec::new();
    for _ in 0..40 {
        graph = field(1, &field(5, &field(6, &graph)));
    }
    let error = parse(field(7, &graph).into()).unwrap_err();
    assert!(error.to_string().contains("deeper"), "{error}");
}

#[test]
fn external_data_round_trips() {
    let folder = tempfile::tempdir().unwrap();
    let (inline, external, back) =
        (folder.path().join("a.onnx"), folder.path().join("sub/b.onnx"), folder.path().join("c.onnx"));
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(&inline, fixture()).unwrap();
    let mut model = Model::read(&inline).unwrap();
    let files = write_with(&mut model, &external, true).unwrap();
    assert_eq!(files, [external.clone(), folder.path().join("sub/b.onnx_data")]);

    let mut moved = Model::read(&external).unwrap();
    assert!(moved.graph().initializer.iter().any(TensorProto::is_external));
    for (left, right) in model.graph().initializer.iter().zip(&moved.graph().initializer) {
        assert_eq!(left.name(), right.name());
        assert_eq!(model.bytes(left).unwrap(), moved.bytes(right).unwrap());
    }
    // Copied from file to file, and back into one.
    let again = folder.path().join("d.onnx");
    write_with(&mut moved, &again, true).unwrap();
    assert_eq!(std::fs::read(&files[1]).unwrap(), std::fs::read(folder.path().join("d.onnx_data")).unwrap());
    write_with(&mut moved, &back, false).unwrap();
    let whole = Model::read(&back).unwrap();
    assert!(whole.graph().initializer.iter().all(|tensor| !tensor.is_external()));
    for (left, right) in model.graph().initializer.iter().zip(&whole.graph().initializer) {
        assert_eq!(model.bytes(left).unwrap(), whole.bytes(right).unwrap());
    }
}

#[test]
fn external_data_is_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("data"), [0u8; 16]).unwrap();
    let path = folder.path().join("m.onnx");
    let read = |location: &str, offset: &str, length: Option<&str>| {
        let entry = |key: &str, value: &str| StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value.to_owned()),
        };
        let mut tensor = raw_tensor("w", ElementType::Float, vec![4], Vec::new());
        tensor.raw_data = None;
        tensor.data_location = Some(LOCATION_EXTERNAL);
        tensor.external_data = vec![entry("location", location), entry("offset", offset)];
        tensor.external_data.extend(length.map(|length| entry("length", length)));
        let graph = GraphProto {
            initializer: vec![tensor],
            output: vec![ValueInfoProto { name: Some("w".into()), ..Default::default() }],
            ..Default::default()
        };
        let proto = ModelProto { graph: Some(graph), ..Default::default() };
        std::fs::write(&path, prost::Message::encode_to_vec(&proto)).unwrap();
        Model::read(&path).map(drop)
    };
    read("data", "0", Some("16")).unwrap();
    read("./data", "0", None).unwrap();
    for (location, offset, length) in [
        ("../data", "0", None),
        ("/etc/hostname", "0", None),
        ("", "0", None),
        ("data", "4", None),
        ("data", "-1", None),
        ("data", "18446744073709551615", None),
        ("data", "0", Some("1000000000000")),
    ] {
        let error = read(location, offset, length).unwrap_err();
        assert_eq!(error.code(), ErrorCode::OnnxInvalid, "{location} {offset}: {error}");
    }
    let error = read("absent", "0", None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InputUnreadable);
    assert!(error.to_string().contains("tensor w"), "{error}");
}
