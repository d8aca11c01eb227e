//! The shell of a page: policy, style, script and data, so that nothing from a document can become markup or script.

use base64::Engine;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

/// How every page of ours begins; by this it is known for ours.
pub(super) const MARK: &str = "<!DOCTYPE html><!-- docproc report -->";

/// A page with its style, its script and its data, all in it.
pub(super) fn page(title: &str, style: &str, script: &str, data: &str, body: &Markup) -> String {
    let policy = policy(style, script);
    let rest = html! {
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("docproc ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body {
                (body)
                script type="application/json" id="data" { (PreEscaped(data)) }
                script { (PreEscaped(script)) }
            }
        }
    };
    let doctype = DOCTYPE.into_string();
    debug_assert!(MARK.starts_with(&doctype));
    format!("{MARK}\n{}\n", rest.into_string())
}

/// What a page may do: run its own script, which loads the data of its pages, use its own style, and show pictures that lie
/// beside it. `'strict-dynamic'` hands the trust in the script on to what it loads: browsers differ in what `'self'` is for a
/// file on the disk.
fn policy(style: &str, script: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' '{}' 'strict-dynamic'; style-src '{}'; img-src 'self' file:; base-uri 'none'; \
         form-action 'none'",
        hash(script),
        hash(style)
    )
}

fn hash(text: &str) -> String {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(text.as_bytes());
    format!("sha256-{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// JSON that may stand in a script element, or be a script: no `<` that could end the element or begin a comment, and none of
/// the line ends that JSON allows in strings and old scripts do not.
pub(super) fn json(value: &impl Serialize) -> String {
    let text =
        serde_json::to_string(value).unwrap_or_else(|error| unreachable!("plain data is JSON: {error}"));
    text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_leave_its_element() {
        let text = json(&["</script><!--<script>", "\u{2028}"]);
        assert!(!text.contains('<') && !text.contains('\u{2028}'), "{text}");
        let read: Vec<String> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, ["</script><!--<script>", "\u{2028}"]);
    }

    #[test]
    fn pages_begin_with_the_mark_and_allow_their_own_script_by_its_hash() {
        let page = page("<t>", "p{}", "let a=1", "{}", &html! { p { "<b>" } });
        assert!(
            page.starts_with(MARK)
                && page.contains("<title>&lt;t&gt;</title>")
                && page.contains("<p>&lt;b&gt;</p>")
        );
        // printf 'let a=1' | openssl dgst -sha256 -binary | base64
        assert!(page.contains("'sha256-+Q3dsIT3kYyYXlBldxY4Baal1kEoF6cDrlPvZn4iLYs='"), "{page}");
    }
}
