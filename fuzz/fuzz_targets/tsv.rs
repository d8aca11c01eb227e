#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    docproc_fuzz::entry::tsv(bytes);
});
