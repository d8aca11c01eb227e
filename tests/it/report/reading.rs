//! A reader with a browser.

use std::path::Path;

use serde_json::Value;

use super::super::cli::read_json;
use super::browser::Browser;
use super::papers::Paper;
use super::{TWENTY, reported};

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

/// Where the mark lies, in points of the page: x0, y0, x1, y1.
fn marked(browser: &mut Browser) -> Vec<f64> {
    browser.until("document.querySelector('.l-mark rect')");
    numbers(&browser.evaluate(
        "(() => { const r = document.querySelector('.l-mark rect:not(.with)'); \
         const [x, y, w, h] = ['x', 'y', 'width', 'height'].map((n) => Number(r.getAttribute(n))); \
         return [x, y, x + w, y + h]; })()",
    ))
}

#[test]
fn the_wrong_sum_of_twenty_documents_is_found_within_three_clicks_with_chromium() {
    let twenty = &*TWENTY;
    let mut browser = Browser::start();
    browser.open(&twenty.out.join("index.html"), "");
    // One click: the finding stands at the top of the index.
    let first = browser.evaluate("document.querySelector('.first a').textContent");
    assert!(first.as_str().unwrap().contains(&twenty.wrong), "{first}");
    assert_eq!(browser.evaluate("document.querySelectorAll('.first a').length"), 1, "{first}");
    browser.click(".first a");
    browser.until("location.pathname.endsWith('doc.html') && document.querySelector('.finding.open')");
    // The page with the number is open, and the mark is around it.
    let mark = marked(&mut browser);
    let ink = twenty.planted.bbox;
    assert!(
        mark[0] <= ink[0] && mark[2] >= ink[2] && mark[1] <= ink[1] + 1.0 && mark[3] >= ink[3] - 2.0,
        "{mark:?} {ink:?}"
    );
    assert!(mark[2] - mark[0] < ink[2] - ink[0] + 10.0 && mark[3] - mark[1] < 20.0, "{mark:?} {ink:?}");
    // On the screen, too: inside the window, on the drawn digits of the picture.
    browser.until(
        "[...document.images].some((i) => i.complete && i.naturalWidth > 500 && i.src.endsWith('p2.jpg'))",
    );
    let on_screen = numbers(&browser.evaluate(
        "(() => { const r = document.querySelector('.l-mark rect:not(.with)').getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; })()",
    ));
    assert!(on_screen[1] > 0.0 && on_screen[1] < 800.0, "{on_screen:?}");
    let image = image::load_from_memory(&browser.screenshot()).unwrap().to_rgb8();
    let dark = |x0: f64, y0: f64, x1: f64, y1: f64| {
        let inside = (y0 as u32..y1 as u32).flat_map(|y| (x0 as u32..x1 as u32).map(move |x| (x, y)));
        inside.filter(|(x, y)| image.get_pixel(*x, *y).0.iter().all(|channel| *channel < 110)).count()
    };
    let [x, y, width, height] = on_screen[..] else { panic!() };
    let digits = dark(x + 3.0, y + 3.0, x + width - 3.0, y + height - 3.0);
    assert!(digits > 60, "{digits} dark pixels within the mark");
    assert_eq!(dark(x - 28.0, y + 3.0, x - 4.0, y + height - 3.0), 0, "something is drawn beside the mark");
    // The tick sheet says what is wrong.
    let sheet = browser.evaluate("document.querySelector('.finding.open').innerText");
    let sheet = sheet.as_str().unwrap();
    for part in ["should be", "is printed", "difference", "Cash and cash equivalents", "page 2"] {
        assert!(sheet.contains(part), "{part} is missing in {sheet}");
    }
    let cut = browser.evaluate("document.querySelectorAll('.finding.open .cut').length");
    assert_eq!(cut, 5, "each term has its cut-out");
    browser.until("[...document.querySelectorAll('.finding.open .printed .cut')].every((c) => c.style.backgroundImage.includes('p2.jpg'))");
    browser.assert_calm();
}

#[test]
fn the_index_is_searched_filtered_and_sorted_with_chromium() {
    let mut browser = Browser::start();
    browser.open(&TWENTY.out.join("index.html"), "");
    let names =
        "[...document.querySelectorAll('#rows tr:not([hidden]) .name')].map((a) => a.textContent).join(' ')";
    browser.press("/");
    browser.kind("harwood");
    browser.until("document.querySelectorAll('#rows tr:not([hidden])').length === 1");
    assert_eq!(browser.evaluate(names), "harwood-estates-2024.pdf");
    // The address keeps it.
    browser.open(&TWENTY.out.join("index.html"), "#findings=errors");
    browser.evaluate("window.before = true; location.reload()");
    browser.until(&format!(
        "!window.before && document.readyState === 'complete' && {names} === '{}'",
        TWENTY.wrong
    ));
    browser.evaluate("(() => { for (const [id, value] of [['findings', ''], ['sort', 'name']]) { const f = document.getElementById(id); f.value = value; f.dispatchEvent(new Event('input')); } })()");
    let all = browser.evaluate(names);
    assert!(all.as_str().unwrap().starts_with("aldgate-textiles-2024.pdf bellweather"), "{all}");
    browser.evaluate("(() => { const f = document.getElementById('search'); f.value = 'nobody has this'; f.dispatchEvent(new Event('input')); })()");
    assert_eq!(browser.evaluate("document.getElementById('none').hidden"), false);
    browser.assert_calm();
}

#[test]
fn keys_links_and_clicks_on_the_page_tell_what_is_there_with_chromium() {
    let out = &TWENTY.out;
    let document = out.join(format!("{}.report/doc.html", TWENTY.wrong));
    let analysis = read_json(&out.join(format!("{}.json", TWENTY.wrong)));
    let mut browser = Browser::start();
    browser.open(&document, "");
    browser.until("document.querySelector('.sheet svg')");
    browser.press("n");
    browser.until("location.hash.includes('f=0') && document.querySelector('.finding.open')");
    browser.press("k");
    browser.until("document.getElementById('number').value === '1'");
    browser.press("j");
    browser.until("document.getElementById('number').value === '2'");
    browser.press("5");
    browser.until("document.querySelector('.l-figures rect')");
    browser.press("5");
    browser.until("!document.querySelector('.l-figures')");
    for (key, layer) in [("2", "blocks"), ("3", "order"), ("4", "tables"), ("6", "names"), ("7", "tone")] {
        browser.press(key);
        browser.until(&format!("document.querySelector('.l-{layer}')"));
        assert_eq!(
            browser.evaluate(&format!(
                "document.querySelector('[data-layer={layer}]').getAttribute('aria-pressed')"
            )),
            "true"
        );
    }

    // A deep link to a cell.
    let cells = analysis["tables"][0]["cells"].as_array().unwrap();
    let cell = cells.iter().find(|cell| cell["row"] != 0 && cell["value"]["value"].is_number()).unwrap();
    let (row, column) = (&cell["row"], &cell["column"]);
    browser.open(&document, &format!("#p2&c=0.{row}.{column}"));
    browser.until("!document.getElementById('detail').hidden");
    let mark = marked(&mut browser);
    let bbox = numbers(&cell["box"]);
    assert!((mark[0] - bbox[0]).abs() < 4.0 && (mark[3] - bbox[3]).abs() < 4.0, "{mark:?} {bbox:?}");
    let said = browser.evaluate("document.getElementById('detail').innerText");
    assert!(said.as_str().unwrap().contains(cell["text"].as_str().unwrap()), "{said}");
    browser.press("Escape");
    browser.until("document.getElementById('detail').hidden && !document.querySelector('.l-mark rect')");

    // A click on a number of the page.
    let figures = analysis["figures"].as_array().unwrap();
    let (index, figure) = figures.iter().enumerate().find(|(_, figure)| figure["text"] == "12%").unwrap();
    assert_eq!(figure["page"], 1);
    browser.open(&document, "#p1");
    browser.until("document.querySelector('.sheet[data-page=\"1\"] svg')");
    let bbox = numbers(&figure["box"]);
    let at = numbers(&browser.evaluate(&format!(
        "(() => {{ const s = document.querySelector('.sheet[data-page=\"1\"]'); const r = s.getBoundingClientRect(); const k = r.width / {}; \
         return [r.x + {} * k, r.y + {} * k]; }})()",
        analysis["pages"][0]["width"],
        f64::midpoint(bbox[0], bbox[2]),
        f64::midpoint(bbox[1], bbox[3])
    )));
    browser.click_at(at[0], at[1]);
    browser.until(&format!("location.hash === '#p1&g={index}'"));
    browser.until("!document.getElementById('detail').hidden");
    let said = browser.evaluate("document.getElementById('detail').innerText");
    let said = said.as_str().unwrap();
    assert!(said.contains("12%") && said.contains("Confidence") && said.contains("Sentence"), "{said}");

    // Search, tables, figures, sentences, review.
    browser.press("Escape");
    browser.press("/");
    browser.kind("lawsuit");
    browser.until("document.querySelector('#pane-search a')");
    browser.click("#pane-search a");
    browser.until("location.hash.includes('q=')");
    browser.click("#tab-tables");
    browser.click("details.table summary");
    browser.until("document.querySelector('.grid td a')");
    browser.click("#tab-figures");
    browser.until("document.querySelector('#figures-list a')");
    browser.click("#tab-sentences");
    browser.until("document.querySelector('#sentences-list a')");
    browser.click("#tab-findings");
    browser.click("#holds > summary");
    browser.until("document.querySelector('.hold')");
    browser.click(".hold > summary");
    browser.until("document.querySelector('.hold .ticks .ok')");
    browser.assert_calm();
}

/// Would run, were it ever taken for markup.
const HOSTILE: &str = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\"'><svg onload=window.hit=1> ${window.hit=1} {{7*7}} &lt;b&gt;";

#[test]
fn what_a_file_says_or_is_called_never_becomes_markup_with_chromium() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\" onmouseover=\"window.hit=1\" <img src=x onerror='window.hit=1'> #%3Cscript%3E ?&.pdf";
    let paper =
        Paper { company: "Evil <b>Corp</b>", factor: 7, wrong: true, hostile: HOSTILE, more_pages: 0 };
    let out = reported(folder.path(), name, &paper);
    let mut browser = Browser::start();
    browser.open(&out.join("index.html"), "");
    let shown = browser.evaluate("document.querySelector('.name').textContent");
    assert_eq!(shown, name);
    let count = "document.querySelectorAll('img, script, b, iframe, object, [onerror], [onload], [onmouseover]').length";
    let index = browser.evaluate("[...document.querySelectorAll('script')].length");
    assert_eq!(index, 2);
    assert_eq!(
        browser.evaluate(
            "document.querySelectorAll('img, iframe, object, [onerror], [onload], [onmouseover]').length"
        ),
        0
    );
    browser.click(".name");
    browser.until("location.pathname.endsWith('doc.html') && document.querySelector('.sheet svg')");
    assert_eq!(browser.evaluate("document.querySelector('h1').textContent"), name);
    browser.press("n");
    browser.until("document.querySelector('.finding.open')");
    for layer in ["2", "3", "4", "5", "6", "7"] {
        browser.press(layer);
    }
    browser.press("/");
    browser.kind("window.hit");
    browser.until("document.querySelectorAll('#pane-search a').length > 0");
    browser.click("#pane-search a");
    browser.until("!document.getElementById('detail').hidden");
    browser.click("#tab-tables");
    browser.click("details.table summary");
    browser.until("document.querySelector('.grid td a')");
    browser.click("#tab-sections");
    let text = browser.evaluate("document.body.textContent");
    assert!(text.as_str().unwrap().contains("onerror=window.hit=1"), "the text is there, as text");
    let strange =
        "[...document.querySelectorAll('img')].filter((i) => !/\\/p\\d+\\.jpg$/.test(i.src)).length";
    assert_eq!(browser.evaluate(strange), 0);
    assert_eq!(
        browser.evaluate(
            "document.querySelectorAll('iframe, object, [onerror], [onload], [onmouseover]').length"
        ),
        0
    );
    assert_eq!(browser.evaluate("typeof window.hit"), "undefined");
    assert!(browser.evaluate(count).as_u64().unwrap() < 30);
    browser.assert_calm();
}

#[test]
fn four_hundred_pages_open_within_a_second_with_chromium() {
    let folder = tempfile::tempdir().unwrap();
    let out = four_hundred(folder.path());
    let mut browser = Browser::start();
    // The first start of a browser reads its own files.
    browser.open(&out.join("index.html"), "");
    let page = out.join("long.pdf.report/doc.html");
    let started = std::time::Instant::now();
    let loaded = browser.open(&page, "");
    browser
        .until("document.querySelectorAll('.sheet').length === 400 && document.querySelector('.sheet svg')");
    println!("loaded after {loaded:.0} ms, first page after {:?}", started.elapsed());
    assert!(loaded < 1000.0, "{loaded} ms");
    // Only what is near is loaded and drawn.
    assert!(browser.evaluate("document.querySelectorAll('.sheet svg').length").as_u64().unwrap() < 12);
    browser.open(&page, "#p387");
    browser.until("document.querySelector('.sheet[data-page=\"387\"] svg rect, .sheet[data-page=\"387\"] img, .sheet[data-page=\"387\"] .plain')");
    assert_eq!(browser.evaluate("document.getElementById('number').value"), "387");
    assert!(browser.evaluate("document.querySelectorAll('.sheet svg').length").as_u64().unwrap() < 12);
    browser.assert_calm();
}

/// An analysis of 400 pages, made of one page of one of the twenty: what is tested is the page in the browser.
fn four_hundred(folder: &Path) -> std::path::PathBuf {
    let small = read_json(&TWENTY.out.join(format!("{}.json", TWENTY.wrong)));
    let mut long = small.clone();
    for list in [
        "pages",
        "blocks",
        "sections",
        "sentences",
        "figures",
        "tables",
        "entities",
        "scores",
        "relations",
        "anomalies",
    ] {
        long[list] = Value::Array(Vec::new());
    }
    for copy in 0..200u64 {
        let count = |long: &Value, list: &str| long[list].as_array().unwrap().len() as u64;
        let [blocks, sections, sentences, tables] =
            ["blocks", "sections", "sentences", "tables"].map(|list| count(&long, list));
        for list in ["pages", "blocks", "sections", "sentences", "figures", "tables", "entities", "relations"]
        {
            for thing in small[list].as_array().unwrap() {
                let mut thing = thing.clone();
                let shift = |value: &mut Value, by: u64| {
                    if let Some(number) = value.as_u64() {
                        *value = Value::from(number + by);
                    }
                };
                let base = match list {
                    "blocks" => blocks,
                    "sections" => sections,
                    "sentences" => sentences,
                    "tables" => tables,
                    _ => 0,
                };
                for (key, by) in [
                    ("id", base),
                    ("number", 2 * copy),
                    ("page", 2 * copy),
                    ("block", blocks),
                    ("section", sections),
                    ("sentence", sentences),
                    ("parent", sections),
                ] {
                    if let Some(value) = thing.get_mut(key) {
                        shift(value, by);
                    }
                }
                for (key, by) in [("blocks", blocks), ("pages", 2 * copy)] {
                    for value in thing.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
                        shift(value, by);
                    }
                }
                for value in thing.get_mut("cells").and_then(Value::as_array_mut).into_iter().flatten() {
                    shift(&mut value["page"], 2 * copy);
                }
                if let Some(value) = thing.pointer_mut("/cell/table") {
                    shift(value, tables);
                }
                for term in thing.get_mut("terms").and_then(Value::as_array_mut).into_iter().flatten() {
                    if let Some(value) = term.pointer_mut("/cell/table") {
                        shift(value, tables);
                    }
                }
                long[list].as_array_mut().unwrap().push(thing);
            }
        }
    }
    long["document"]["path"] = Value::from("long.pdf");
    let out = folder.join("out");
    std::fs::create_dir_all(out.join(".docproc")).unwrap();
    std::fs::write(out.join("long.pdf.json"), serde_json::to_string_pretty(&long).unwrap()).unwrap();
    let output = super::super::cli::docproc().arg("report").arg(&out).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// Writes what README shows, and further views to target/report-views: `cargo test --test it pictures_of_the_readme --
/// --ignored`, and look at them.
#[test]
#[ignore = "writes docs/images"]
fn pictures_of_the_readme_with_chromium() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (shown, others) = (root.join("docs/images"), root.join("target/report-views"));
    std::fs::create_dir_all(&shown).unwrap();
    std::fs::create_dir_all(&others).unwrap();
    let out = &TWENTY.out;
    let mut browser = Browser::start();
    let mut shoot = |name: &str, size: (u32, u32), dark: bool, page: &str, hash: &str, ready: &str| {
        browser.size(size.0, size.1);
        browser.dark(dark);
        browser.open(&out.join("index.html"), "#none");
        browser.open(&out.join(page), hash);
        browser.until(ready);
        browser.until("[...document.images].every((i) => i.complete)");
        browser.evaluate("new Promise((resolve) => setTimeout(resolve, 600))");
        let folder = if size.0 > 600 && !dark { &shown } else { &others };
        std::fs::write(folder.join(name), browser.screenshot()).unwrap();
    };
    let document = format!("{}.report/doc.html", TWENTY.wrong);
    let found = "document.querySelector('.finding.open') && document.querySelector('.l-mark rect')";
    shoot("report-index.png", (1240, 860), false, "index.html", "", "true");
    shoot("report-document.png", (1240, 780), false, &document, "#p2&f=0", found);
    shoot("report-index-dark.png", (1240, 860), true, "index.html", "", "true");
    shoot("report-document-dark.png", (1240, 780), true, &document, "#p2&f=0", found);
    shoot("report-index-phone.png", (390, 844), false, "index.html", "", "true");
    shoot("report-document-phone.png", (390, 844), false, &document, "", "true");
    shoot("report-page-phone.png", (390, 844), false, &document, "#p2&f=0", found);
}

#[test]
fn a_document_that_failed_and_one_without_pictures_are_shown_with_chromium() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.pdf"), "%PDF-1.7\nnot a document").unwrap();
    let paper = Paper { company: "Plain Company plc", factor: 2, wrong: false, hostile: "", more_pages: 0 };
    std::fs::write(folder.path().join("plain.pdf"), super::papers::annual_report(&paper).0).unwrap();
    let run = super::super::cli::docproc()
        .current_dir(folder.path())
        .args(["analyze", "broken.pdf", "plain.pdf", "-o", "out", "--report", "--page-pictures", "none"])
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    let out = folder.path().join("out");
    let mut browser = Browser::start();
    browser.open(&out.join("index.html"), "");
    let trouble = browser.evaluate("document.querySelector('.trouble').textContent");
    assert!(trouble.as_str().unwrap().contains("damaged beyond repair"), "{trouble}");
    browser.click(".trouble a");
    browser.until("location.pathname.endsWith('broken.pdf.report/doc.html')");
    browser.until(
        "document.getElementById('pane-findings').textContent.includes('Nothing of this document could be read')",
    );
    // Without a picture the text stands at its place.
    browser.open(&out.join("plain.pdf.report/doc.html"), "#p2");
    browser.until("[...document.querySelectorAll('.sheet[data-page=\"2\"] .plain')].some((e) => e.textContent === 'Trade receivables')");
    assert_eq!(browser.evaluate("document.images.length"), 0);
    browser.assert_calm();
}

/// Runs axe-core and fails on everything that it objects to.
fn assert_accessible(browser: &mut Browser, what: &str) {
    let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/axe/axe_playwright_python/axe.min.js");
    let script = std::fs::read_to_string(axe).expect("`make axe` fetches it");
    browser.evaluate(&format!("{script}; undefined"));
    let found = browser.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => \
         ({checked: r.passes.length, broken: r.violations.map((v) => v.id + ': ' + v.help + ': ' + v.nodes.map((n) => n.html.slice(0, 160) + ' ' + n.failureSummary).slice(0, 3).join(' | '))}))",
    );
    assert!(found["checked"].as_u64().unwrap() > 10, "{what}: almost nothing was checked: {found}");
    assert_eq!(found["broken"], Value::Array(Vec::new()), "{what}: {found:#}");
}

#[test]
fn pages_are_accessible_light_and_dark_wide_and_narrow_with_chromium_and_axe() {
    let out = &TWENTY.out;
    let document = out.join(format!("{}.report/doc.html", TWENTY.wrong));
    let mut browser = Browser::start();
    for (width, height) in [(1440, 900), (390, 844)] {
        browser.size(width, height);
        for dark in [false, true] {
            browser.dark(dark);
            let how = format!("{width} pixels wide, {}", if dark { "dark" } else { "light" });
            browser.open(&out.join("index.html"), "#none");
            assert_accessible(&mut browser, &format!("index, {how}"));
            browser.open(&document, "#p2&f=0");
            browser.until("document.querySelector('.finding.open')");
            assert_accessible(&mut browser, &format!("finding, {how}"));
            if width < 600 {
                assert_eq!(
                    browser.evaluate("document.documentElement.scrollWidth <= innerWidth"),
                    true,
                    "{how}"
                );
                browser.evaluate("document.getElementById('swap').click()");
            }
            for tab in ["sections", "tables", "figures", "sentences", "review", "about"] {
                browser.evaluate(&format!("document.getElementById('tab-{tab}').click()"));
                browser.evaluate(&format!(
                    "document.querySelectorAll('#pane-{tab} details').forEach((d) => {{ d.open = true; }})"
                ));
                browser.evaluate("new Promise((resolve) => setTimeout(resolve, 300))");
                assert_accessible(&mut browser, &format!("{tab}, {how}"));
            }
        }
    }
    browser.assert_calm();
}
