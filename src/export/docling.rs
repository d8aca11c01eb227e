//! The document as a DoclingDocument, so that what works on docling's documents works on ours.
//!
//! The format is docling-core's, version 1.3, which later ones read. Pages, headings with their level, texts, lists, tables
//! with cells, captions and places are told; scores and findings have no place in it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::tables::{Grid, Placement};
use crate::document::BBox;
use crate::document::analysis::{Analysis, Block, Table};
use crate::document::round::round_to;

/// The version of the format that is written.
const VERSION: &str = "1.3.0";
/// Hexadecimal digits of a 64-bit number.
const HASH_DIGITS: usize = 16;
const BODY: &str = "#/body";

/// The document as JSON.
pub fn document(analysis: &Analysis, output: &Path) -> Vec<u8> {
    let mut parts = Parts::default();
    let captions = captions(analysis);
    let tables = Placement::of(analysis);
    let levels: BTreeMap<u32, u32> = analysis
        .sections
        .iter()
        .filter(|section| !section.title.is_empty())
        .filter_map(|section| Some((*section.blocks.first()?, section.level.max(1))))
        .collect();
    let caption_of: BTreeMap<usize, &Block> =
        captions.iter().map(|(block, table)| (*table, &analysis.blocks[*block])).collect();
    for (index, block) in analysis.blocks.iter().enumerate() {
        if captions.contains_key(&index) {
            continue;
        }
        match tables.at(block.id) {
            Some(tables) => {
                for table in tables {
                    parts.table(&analysis.tables[*table], caption_of.get(table).copied());
                }
            }
            None => parts.block(block, levels.get(&block.id).copied()),
        }
    }
    for table in &tables.loose {
        parts.table(&analysis.tables[*table], None);
    }
    let pages: Map<String, Value> = analysis
        .pages
        .iter()
        .map(|page| {
            let size = json!({"width": two(page.width), "height": two(page.height)});
            (page.number.to_string(), json!({"size": size, "page_no": page.number}))
        })
        .collect();
    let name = output.file_stem().unwrap_or_default().to_string_lossy();
    let hash =
        analysis.document.sha256.get(..HASH_DIGITS).and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let document = json!({
        "schema_name": "DoclingDocument",
        "version": VERSION,
        "name": name,
        "origin": {
            "mimetype": analysis.document.media_type,
            "binary_hash": hash.unwrap_or(0),
            "filename": name,
        },
        "furniture": {"self_ref": "#/furniture", "children": [], "content_layer": "furniture", "name": "_root_", "label": "unspecified"},
        "body": {"self_ref": BODY, "children": parts.body, "content_layer": "body", "name": "_root_", "label": "unspecified"},
        "groups": parts.groups,
        "texts": parts.texts,
        "pictures": parts.pictures,
        "tables": parts.tables,
        "key_value_items": [],
        "form_items": [],
        "pages": pages,
    });
    let mut bytes = document.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// The items by kind, and what the body holds in reading order.
#[derive(Default)]
struct Parts {
    texts: Vec<Value>,
    tables: Vec<Value>,
    pictures: Vec<Value>,
    groups: Vec<Value>,
    body: Vec<Value>,
    /// Whether the last thing in the body is a list that goes on.
    in_list: bool,
}

impl Parts {
    fn block(&mut self, block: &Block, level: Option<u32>) {
        let furniture = matches!(block.label.as_str(), "Page-header" | "Page-footer");
        if block.label == "List-item" && level.is_none() {
            return self.list_item(block);
        }
        // A running foot between two items does not end their list.
        self.in_list &= furniture;
        if block.label == "Picture" {
            let reference = format!("#/pictures/{}", self.pictures.len());
            self.pictures.push(json!({
                "self_ref": reference, "parent": {"$ref": BODY}, "children": [], "content_layer": "body",
                "label": "picture", "prov": [provenance(block.page, &block.bbox, 0)],
                "captions": [], "references": [], "footnotes": [], "annotations": [],
            }));
            return self.body.push(json!({"$ref": reference}));
        }
        let label = match (block.label.as_str(), level) {
            ("Title", _) => "title",
            ("Section-header", _) | (_, Some(_)) => "section_header",
            ("Caption", _) => "caption",
            ("Footnote", _) => "footnote",
            ("Formula", _) => "formula",
            ("Page-header", _) => "page_header",
            ("Page-footer", _) => "page_footer",
            _ => "text",
        };
        let mut item = self.text(block, label, BODY, if furniture { "furniture" } else { "body" });
        if label == "section_header" {
            item.insert("level".to_owned(), json!(level.unwrap_or(1)));
        }
        self.body.push(json!({"$ref": item["self_ref"]}));
        self.texts.push(Value::Object(item));
    }

    fn text(&self, block: &Block, label: &str, parent: &str, layer: &str) -> Map<String, Value> {
        let item = json!({
            "self_ref": format!("#/texts/{}", self.texts.len()), "parent": {"$ref": parent}, "children": [],
            "content_layer": layer, "label": label,
            "prov": [provenance(block.page, &block.bbox, block.text.chars().count())],
            "orig": block.text, "text": block.text,
        });
        match item {
            Value::Object(item) => item,
            other => unreachable!("an object was made, not {other}"),
        }
    }

    fn list_item(&mut self, block: &Block) {
        if !self.in_list {
            let reference = format!("#/groups/{}", self.groups.len());
            self.groups.push(json!({
                "self_ref": reference, "parent": {"$ref": BODY}, "children": [], "content_layer": "body",
                "name": "list", "label": "list",
            }));
            self.body.push(json!({"$ref": reference}));
            self.in_list = true;
        }
        let Some(group) = self.groups.len().checked_sub(1) else { return };
        let (marker, rest) = super::markdown::marker(&block.text);
        let numbered = marker.starts_with(|c: char| c.is_ascii_digit());
        let mut item = self.text(block, "list_item", &format!("#/groups/{group}"), "body");
        item.insert("text".to_owned(), json!(rest));
        item.insert("marker".to_owned(), json!(if marker.is_empty() { "-" } else { marker }));
        item.insert("enumerated".to_owned(), json!(numbered));
        if let Some(children) = self.groups[group]["children"].as_array_mut() {
            children.push(json!({"$ref": item["self_ref"]}));
        }
        self.texts.push(Value::Object(item));
    }

    fn table(&mut self, table: &Table, caption: Option<&Block>) {
        self.in_list = false;
        let reference = format!("#/tables/{}", self.tables.len());
        let mut children = Vec::new();
        if let Some(block) = caption {
            let item = self.text(block, "caption", &reference, "body");
            children.push(json!({"$ref": item["self_ref"]}));
            self.texts.push(Value::Object(item));
        }
        let mut places = vec![provenance(table.page, &table.bbox, 0)];
        places.extend(table.continued.iter().map(|part| provenance(part.page, &part.bbox, 0)));
        let grid = Grid::new(table);
        let cells = table.cells.iter().filter(|cell| grid.at(cell.row, cell.column).is_some());
        let cells: Vec<Value> = cells
            .map(|cell| {
                let (row, column) = (cell.row, cell.column);
                let (rows, columns) = (
                    cell.row_span.clamp(1, table.rows - row),
                    cell.column_span.clamp(1, table.columns - column),
                );
                let above = row < table.header_rows;
                json!({
                    "bbox": bounding(&cell.bbox), "row_span": rows, "col_span": columns,
                    "start_row_offset_idx": row, "end_row_offset_idx": row + rows,
                    "start_col_offset_idx": column, "end_col_offset_idx": column + columns,
                    "text": cell.text, "column_header": cell.header && above,
                    "row_header": cell.header && !above, "row_section": false,
                })
            })
            .collect();
        self.tables.push(json!({
            "self_ref": reference, "parent": {"$ref": BODY}, "children": children, "content_layer": "body",
            "label": "table", "prov": places, "captions": children, "references": [], "footnotes": [],
            "data": {"table_cells": cells, "num_rows": table.rows, "num_cols": table.columns},
            "annotations": [],
        }));
        self.body.push(json!({"$ref": reference}));
    }
}

/// Captions that stand directly before or behind a table on the same page: the caption's place among the blocks, and the
/// table's among the tables. A table has one at most.
fn captions(analysis: &Analysis) -> BTreeMap<usize, usize> {
    let places: BTreeMap<u32, usize> =
        analysis.blocks.iter().enumerate().map(|(index, block)| (block.id, index)).collect();
    let mut captions = BTreeMap::new();
    for (table, blocks) in analysis.tables.iter().map(|table| &table.blocks).enumerate() {
        let own: Vec<usize> = blocks.iter().filter_map(|id| places.get(id).copied()).collect();
        let (Some(first), Some(last)) = (own.iter().min(), own.iter().max()) else { continue };
        let is_caption =
            |place: &usize, beside: usize| {
                analysis.blocks.get(*place).is_some_and(|block| {
                    block.label == "Caption" && block.page == analysis.blocks[beside].page
                }) && !captions.contains_key(place)
            };
        let before = first.checked_sub(1).filter(|place| is_caption(place, *first));
        if let Some(place) = before.or_else(|| Some(last + 1).filter(|place| is_caption(place, *last))) {
            captions.insert(place, table);
        }
    }
    captions
}

fn two(value: f32) -> f64 {
    round_to(f64::from(value), 2)
}

fn bounding(bbox: &BBox) -> Value {
    json!({"l": two(bbox.x0), "t": two(bbox.y0), "r": two(bbox.x1), "b": two(bbox.y1), "coord_origin": "TOPLEFT"})
}

fn provenance(page: u32, bbox: &BBox, characters: usize) -> Value {
    json!({"page_no": page, "bbox": bounding(bbox), "charspan": [0, characters]})
}
