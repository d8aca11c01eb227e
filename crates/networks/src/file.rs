//! The network file (`.dpnn`).
//!
//! Layout, all numbers little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 4 | magic `DPNN` |
//! | 4 | version, 1 |
//! | 4 | length of the header in bytes |
//! | header | [`NetworkSpec`] as JSON |
//! | 4 each | parameters as f32: offsets and factors of inputs, then weights `[inputs, sums]`, biases and thresholds of each layer, then offsets and factors of outputs |
//! | 32 | SHA-256 of everything before |

use sha2::{Digest, Sha256};

use super::network::Network;
use super::spec::NetworkSpec;
use docproc_error::{Error, ErrorCode, Result};

const MAGIC: &[u8; 4] = b"DPNN";
const VERSION: u32 = 1;
const PREFIX: usize = 12;
const CHECKSUM: usize = 32;
/// Largest header that is read.
pub const MAX_HEADER: usize = 1 << 20;

/// Writes a network.
///
/// # Errors
/// `network.invalid` when the header is larger than [`MAX_HEADER`].
pub fn write(network: &Network) -> Result<Vec<u8>> {
    let header = serde_json::to_vec(network.spec()).map_err(|source| {
        Error::new(ErrorCode::NetworkInvalid, "cannot write the header")
            .part(&network.spec().name)
            .because(source)
    })?;
    if header.len() > MAX_HEADER {
        return Err(Error::new(
            ErrorCode::NetworkInvalid,
            format!("a header of {} bytes is too large", header.len()),
        )
        .part(&network.spec().name));
    }
    let mut bytes = Vec::with_capacity(PREFIX + header.len() + 4 * network.spec().parameters()? + CHECKSUM);
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((header.len() as u32).to_le_bytes());
    bytes.extend(&header);
    for slice in network.slices() {
        for value in slice {
            bytes.extend(value.to_le_bytes());
        }
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend(checksum);
    Ok(bytes)
}

/// Whether these bytes start like a network file.
#[must_use]
pub fn is_network_file(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads a network; everything is checked before parameters are allocated.
///
/// # Errors
/// `network.invalid` with the byte offset, when the file is damaged, truncated, of another version, or asks for
/// more than the limits in [`super::spec`].
pub fn read(bytes: &[u8]) -> Result<Network> {
    let fail = |what: String, offset: usize| {
        Error::new(ErrorCode::NetworkInvalid, what)
            .offset(offset as u64)
            .help("copy the file again or train the network again")
    };
    if bytes.len() < PREFIX + CHECKSUM || !is_network_file(bytes) {
        return Err(fail("not a network file (no DPNN signature, or cut off)".to_owned(), 0));
    }
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if number(4) != VERSION {
        return Err(fail(format!("network file version {}; this program reads {VERSION}", number(4)), 4));
    }
    let header_length = number(8) as usize;
    if header_length > MAX_HEADER || PREFIX + header_length + CHECKSUM > bytes.len() {
        return Err(fail(format!("a header of {header_length} bytes does not fit"), 8));
    }
    let (content, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    if Sha256::digest(content).as_slice() != checksum {
        return Err(fail("the checksum does not match".to_owned(), content.len()));
    }
    let (header, parameters) = content[PREFIX..].split_at(header_length);
    let spec: NetworkSpec = serde_json::from_slice(header).map_err(|source| {
        fail("the header is not a network description".to_owned(), PREFIX).because(source)
    })?;
    let expected = spec.parameters()?;
    if parameters.len() != 4 * expected {
        return Err(fail(
            format!(
                "layers {} need {} bytes of parameters, found {}",
                spec.shape_text(),
                4 * expected,
                parameters.len()
            ),
            PREFIX + header_length,
        )
        .part(&spec.name));
    }
    let values: Vec<f32> =
        parameters.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Network::from_values(spec, &values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::activation::Activation;
    use crate::network::Scaling;
    use crate::spec::{LayerSpec, Output};

    fn sample() -> Network {
        let layers = vec![
            LayerSpec::named(4, "document_glu").unwrap(),
            LayerSpec::named(3, "adaptive_relu").unwrap(),
            LayerSpec::named(3, "mixture_of_experts").unwrap(),
            LayerSpec::uniform(2, Activation::Linear),
        ];
        let spec = NetworkSpec::new("sample", 5, layers, Output::Classes(vec!["a".into(), "b".into()]));
        let network = Network::random(spec, 3).unwrap();
        let scaling = Scaling { offsets: vec![0.5; 5], factors: vec![2.0; 5] };
        Network::new(network.spec().clone(), Some(scaling), network.layers().to_vec(), None).unwrap()
    }

    /// Replaces the header and puts a fresh checksum on it.
    fn forged(header: &str, parameters: usize) -> Vec<u8> {
        let mut bytes =
            [MAGIC.as_slice(), &VERSION.to_le_bytes(), &(header.len() as u32).to_le_bytes()].concat();
        bytes.extend(header.bytes());
        bytes.extend(vec![0; parameters]);
        let checksum = Sha256::digest(&bytes);
        bytes.extend(checksum);
        bytes
    }

    #[test]
    fn round_trips() {
        let network = sample();
        let bytes = write(&network).unwrap();
        assert_eq!(read(&bytes).unwrap(), network);
        assert_eq!(write(&read(&bytes).unwrap()).unwrap(), bytes);
    }

    #[test]
    fn damage_truncation_and_greed_are_errors() {
        let bytes = write(&sample()).unwrap();
        for cut in [0, 3, 11, 40, bytes.len() - 1] {
            assert_eq!(read(&bytes[..cut]).unwrap_err().code(), ErrorCode::NetworkInvalid);
        }
        for at in [5, 9, 30, bytes.len() - 40, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert!(read(&damaged).is_err(), "byte {at}");
        }
        let greedy = r#"{"name":"n","inputs":65536,"layers":[{"size":65536,"function":"adaptive_relu"}],"output":"values"}"#;
        assert!(read(&forged(greedy, 16)).unwrap_err().message().contains("parameters"));
        let small =
            r#"{"name":"n","inputs":2,"layers":[{"size":1,"function":"adaptive_relu"}],"output":"values"}"#;
        let error = read(&forged(small, 12)).unwrap_err().to_string();
        assert!(error.contains("layers 2-1 need 16 bytes of parameters, found 12"), "{error}");
        assert!(read(&forged(small, 16)).is_ok());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes).is_err());
            prop_assert!(read(&[MAGIC.as_slice(), &bytes].concat()).is_err());
        }

        #[test]
        fn arbitrary_headers_never_panic(header in "\\{\"name\":\"n\",\"inputs\":[0-9]{1,20},\"layers\":\\[[a-z0-9\":,{}]{0,40}\\],\"output\":\"values\"\\}") {
            prop_assert!(read(&forged(&header, 8)).is_err());
        }
    }
}
