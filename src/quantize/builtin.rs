//! Texts and pages to compare models on where the user gave none. Real words in the shapes that reports have; what they
//! say does not matter.

use super::inputs::Inputs;
use super::subject::Subject;
use crate::document::{BBox, PAGE_IMAGE_SIZE, Page, TextSource, Word, WordStyle};
use crate::error::Result;
use crate::inference::{ImageView, PageInput};

/// Width and height of a page: US Letter in points.
const PAGE: [f32; 2] = [612.0, 792.0];
/// Pages made.
const PAGES: usize = 6;

/// The built-in sentences or pages as this model takes them.
///
/// # Errors
/// `model.run`, `tokenizer.invalid`.
pub fn builtin(subject: &Subject) -> Result<Inputs> {
    let (samples, origin) = match subject {
        Subject::Text(model) => (model.batches(sentences())?, "built-in sentences"),
        Subject::Layout(model) => {
            let (pages, side) = (pages(), PAGE_IMAGE_SIZE as usize);
            let inputs: Vec<PageInput<'_>> = pages
                .iter()
                .map(|(words, image)| PageInput {
                    words,
                    image: Some(ImageView { rgb: image, width: side, height: side }),
                })
                .collect();
            (model.batches(&inputs)?, "built-in pages")
        }
    };
    Ok(Inputs { samples, origin: origin.to_owned() })
}

/// Sentences as reports have them, short and long.
fn sentences() -> &'static [&'static str] {
    &[
        "Net sales rose 12% to $4.3 billion, driven by higher prices and strong demand in all regions.",
        "Operating income fell by $210 million compared with the prior year.",
        "The board declared a quarterly dividend of $0.42 per share.",
        "We recorded an impairment charge of $1.1 billion on goodwill of the Industrial segment.",
        "Gross margin improved 180 basis points as freight costs returned to normal levels.",
        "These statements are subject to risks and uncertainties that could cause actual results to differ materially.",
        "The Company repurchased 2.4 million shares during the three months ended June 30, 2023.",
        "Revenue was flat.",
        "Our backlog decreased 9% because two customers in Germany postponed their orders.",
        "Cash flow from operations was a record $812 million, up from $640 million.",
        "We may not be able to refinance our senior notes due 2026 on acceptable terms, or at all.",
        "The effective tax rate was 21.4%, compared with 24.0% for the same period last year.",
        "Item 7. Management's Discussion and Analysis of Financial Condition and Results of Operations",
        "On March 3, 2022, the Company completed the acquisition of Northern Cable Ltd. for EUR 95 million in cash.",
        "Loan losses increased sharply, and the allowance now covers 2.3% of total loans.",
        "Management concluded that internal control over financial reporting was effective as of December 31, 2021.",
        "We expect comparable store sales to grow between 3% and 4% in fiscal 2025.",
        "Weak demand for personal computers weighed on the results of our largest customer.",
        "There were no changes in accounting principles.",
        "The plaintiffs seek damages in excess of $50 million; we believe that the claims are without merit.",
        "Inventories, net of reserves of $31 million and $27 million, consist of raw materials and finished goods.",
        "Strong execution and disciplined spending lifted adjusted earnings per share to $2.17, above our guidance.",
        "Foreign currency translation reduced reported revenue by approximately $38 million.",
        "The plant in Ohio was closed in the second quarter, and 340 employees were affected.",
        "Total stockholders' equity 18,204 16,990",
        "Interest expense was $77 million in 2020, $81 million in 2019 and $69 million in 2018, reflecting higher average balances.",
        "The Federal Reserve lowered the target range for the federal funds rate.",
        "We derive a substantial part of our revenue from a small number of customers, and losing one of them would harm us.",
        "Subscription revenue grew 31%, and net revenue retention was 118%.",
        "A decline in commodity prices led to lower capital spending by producers, which in turn reduced orders for our compressors.",
        "The credit agreement requires a ratio of debt to EBITDA of not more than 3.5 to 1; we were in compliance.",
        "Ms. Alvarez joined the company in 2015 as chief financial officer and became president in 2021.",
    ]
}

/// Pages with a title, paragraphs, a table and a footer, and their pictures (224 x 224, RGB rows from the top).
fn pages() -> Vec<(Page, Vec<u8>)> {
    (0..PAGES).map(page).collect()
}

fn page(number: usize) -> (Page, Vec<u8>) {
    let mut sheet = Sheet { words: Vec::new(), y: 60.0 };
    let text: Vec<&str> = sentences().iter().cycle().skip(5 * number).take(24).copied().collect();
    sheet.paragraph("Consolidated Results of Operations", 18.0, 150.0, 470.0);
    for (index, sentence) in text.iter().enumerate().take(8 + 2 * number) {
        sheet.paragraph(sentence, 10.0, 72.0, if index % 3 == 0 { 300.0 } else { 540.0 });
    }
    let rows = ["Net sales", "Cost of sales", "Gross profit", "Research and development", "Operating income"];
    for (row, label) in rows.iter().enumerate() {
        let top = sheet.y;
        sheet.line(label, 9.0, 72.0);
        for column in 0..3 {
            sheet.y = top;
            let value = 1_234 + 777 * row * (column + 1) + 31 * number;
            sheet.line(&format!("{},{:03}", value / 1000, value % 1000), 9.0, 330.0 + 80.0 * column as f32);
        }
    }
    sheet.y = 750.0;
    sheet.line(&format!("{}", number + 17), 8.0, 300.0);
    let image = sheet.image();
    let page = Page {
        number: u32::try_from(number + 1).unwrap_or(1),
        width: PAGE[0],
        height: PAGE[1],
        rotation: 0,
        label: None,
        text_source: TextSource::TextLayer,
        text_source_reason: "built in".to_owned(),
        words: sheet.words,
        rulings: Vec::new(),
        images: Vec::new(),
        pictures: Vec::new(),
        fonts: Vec::new(),
        controls: 0,
    };
    (page, image)
}

/// Words as they are set, from the top.
struct Sheet {
    words: Vec<Word>,
    y: f32,
}

impl Sheet {
    /// Sets words from `left`, with a new line before `right` would be passed.
    fn paragraph(&mut self, text: &str, size: f32, left: f32, right: f32) {
        let mut line = String::new();
        for word in text.split(' ') {
            if left + (line.len() + word.len()) as f32 * size / 2.0 > right && !line.is_empty() {
                self.line(&line, size, left);
                line.clear();
            }
            line.push_str(word);
            line.push(' ');
        }
        self.line(line.trim_end(), size, left);
        self.y += size / 2.0;
    }

    fn line(&mut self, text: &str, size: f32, left: f32) {
        let mut x = left;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let width = word.len() as f32 * size / 2.0;
            self.words.push(Word {
                text: word.to_owned(),
                bbox: BBox::new(x, self.y, x + width, self.y + size),
                font_size: size,
                font: u16::MAX,
                style: WordStyle::default(),
                color: [0, 0, 0, 255],
                direction: 0,
                confidence: None,
            });
            x += width + size / 2.0;
        }
        self.y += size * 1.2;
    }

    /// White paper with a grey bar for every word, as text looks at this size.
    fn image(&self) -> Vec<u8> {
        let side = PAGE_IMAGE_SIZE as usize;
        let mut rgb = vec![255; 3 * side * side];
        let pixel = |value: f32, length: f32| ((value / length * side as f32) as usize).min(side);
        for word in &self.words {
            let (left, right) = (pixel(word.bbox.x0, PAGE[0]), pixel(word.bbox.x1, PAGE[0]));
            for row in pixel(word.bbox.y0, PAGE[1])..pixel(word.bbox.y1, PAGE[1]) {
                rgb[3 * (row * side + left)..3 * (row * side + right)].fill(120);
            }
        }
        rgb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_words_and_ink() {
        for (page, image) in pages() {
            assert!(page.words.len() > 100);
            let inside = |word: &Word| word.bbox.x1 <= PAGE[0] && word.bbox.y1 <= PAGE[1];
            assert!(page.words.iter().all(inside), "page {}", page.number);
            assert!(image.iter().any(|value| *value < 200));
        }
    }
}
