//! Financial ratios of a document, computed from its statements.
//!
//! Version 1: the 64 ratios of Zieba, Tomczak and Tomczak (2016), "Ensemble boosted trees with synthetic features
//! generation in application to bankruptcy prediction", by their numbers in that set. Where the columns of the published
//! data follow another formula than their names say, the formula is the one that the data follow: "EBIT" is profit before
//! tax, "gross profit" too, X52 is not multiplied by 365, X57 is net profit over equity. Each value r is stored as
//! sign(r) ln(1 + |r|). What cannot be computed is absent.

use std::collections::{BTreeMap, BTreeSet};

use super::{Behind, Document, Feature, FeatureSet, Row};
use crate::document::analysis::CellReference;
use crate::document::findings::ScoreTarget;
use crate::scoring::statements::{self, Amount, Concept};
use docproc_networks::spec::FeatureSetId;

/// Number of features.
pub const LENGTH: usize = 64;
/// Fewest ratios that must be known for a score.
pub const MIN_KNOWN: usize = 25;

type Formula = fn(&dyn Fn(Concept) -> f64) -> f64;

use Concept::{
    Cash, CurrentAssets as CA, CurrentLiabilities as CL, Depreciation as DEP, Equity as EQ,
    FixedAssets as FA, InterestExpense as INT, Inventory as INV, LongTermLiabilities as LTL,
    NetProfit as NET, OperatingExpenses as OPEX, OperatingProfit as OP, PretaxProfit as PRE,
    PretaxProfitThreeYears as PRE3, Receivables as REC, Sales as SALES, SalesBefore as BEFORE,
    ShareCapital as CAP, ShortTermSecurities as SEC, TotalAssets as TA, TotalLiabilities as TL,
};

/// Name, meaning, what it needs, formula. An empty need: never computed from a report, the meaning says why.
const RATIOS: [(&str, &str, &[Concept], Formula); LENGTH] = [
    ("x01", "net profit / total assets", &[NET, TA], |c| c(NET) / c(TA)),
    ("x02", "total liabilities / total assets", &[TL, TA], |c| c(TL) / c(TA)),
    ("x03", "working capital / total assets", &[CA, CL, TA], |c| (c(CA) - c(CL)) / c(TA)),
    ("x04", "current assets / current liabilities", &[CA, CL], |c| c(CA) / c(CL)),
    (
        "x05",
        "365 (cash + short-term securities + receivables - current liabilities) / (operating expenses - depreciation)",
        &[Cash, REC, CL, OPEX, DEP],
        |c| 365.0 * (c(Cash) + or_zero(c(SEC)) + c(REC) - c(CL)) / (c(OPEX) - c(DEP)),
    ),
    (
        "x06",
        "retained earnings / total assets; absent in reports: the data's accounts keep retained profit elsewhere",
        &[],
        |_| f64::NAN,
    ),
    ("x07", "profit before tax / total assets (named EBIT in the data)", &[PRE, TA], |c| c(PRE) / c(TA)),
    ("x08", "equity / total liabilities", &[EQ, TL], |c| c(EQ) / c(TL)),
    ("x09", "sales / total assets", &[SALES, TA], |c| c(SALES) / c(TA)),
    ("x10", "equity / total assets", &[EQ, TA], |c| c(EQ) / c(TA)),
    ("x11", "(profit before tax + interest) / total assets", &[PRE, INT, TA], |c| (c(PRE) + c(INT)) / c(TA)),
    ("x12", "profit before tax / current liabilities", &[PRE, CL], |c| c(PRE) / c(CL)),
    ("x13", "(profit before tax + depreciation) / sales", &[PRE, DEP, SALES], |c| {
        (c(PRE) + c(DEP)) / c(SALES)
    }),
    ("x14", "profit before tax / total assets, as x07 in the data", &[PRE, TA], |c| c(PRE) / c(TA)),
    ("x15", "365 total liabilities / (profit before tax + depreciation)", &[TL, PRE, DEP], |c| {
        365.0 * c(TL) / (c(PRE) + c(DEP))
    }),
    ("x16", "(profit before tax + depreciation) / total liabilities", &[PRE, DEP, TL], |c| {
        (c(PRE) + c(DEP)) / c(TL)
    }),
    ("x17", "total assets / total liabilities", &[TA, TL], |c| c(TA) / c(TL)),
    ("x18", "profit before tax / total assets, as x07 in the data", &[PRE, TA], |c| c(PRE) / c(TA)),
    ("x19", "profit before tax / sales", &[PRE, SALES], |c| c(PRE) / c(SALES)),
    ("x20", "365 inventory / sales", &[INV, SALES], |c| 365.0 * c(INV) / c(SALES)),
    ("x21", "sales / sales of the year before", &[SALES, BEFORE], |c| c(SALES) / c(BEFORE)),
    ("x22", "operating profit / total assets", &[OP, TA], |c| c(OP) / c(TA)),
    ("x23", "net profit / sales", &[NET, SALES], |c| c(NET) / c(SALES)),
    ("x24", "profit before tax in three years / total assets", &[PRE3, TA], |c| c(PRE3) / c(TA)),
    ("x25", "(equity - share capital) / total assets", &[EQ, CAP, TA], |c| (c(EQ) - c(CAP)) / c(TA)),
    ("x26", "(net profit + depreciation) / total liabilities", &[NET, DEP, TL], |c| {
        (c(NET) + c(DEP)) / c(TL)
    }),
    ("x27", "operating profit / interest", &[OP, INT], |c| c(OP) / c(INT)),
    ("x28", "working capital / fixed assets", &[CA, CL, FA], |c| (c(CA) - c(CL)) / c(FA)),
    ("x29", "logarithm of total assets; absent in reports: it depends on the currency", &[], |_| f64::NAN),
    ("x30", "(total liabilities - cash) / sales", &[TL, Cash, SALES], |c| (c(TL) - c(Cash)) / c(SALES)),
    ("x31", "profit before tax / sales, as x19 in the data", &[PRE, SALES], |c| c(PRE) / c(SALES)),
    ("x32", "365 current liabilities / operating expenses", &[CL, OPEX], |c| 365.0 * c(CL) / c(OPEX)),
    ("x33", "operating expenses / current liabilities", &[OPEX, CL], |c| c(OPEX) / c(CL)),
    ("x34", "operating expenses / total liabilities", &[OPEX, TL], |c| c(OPEX) / c(TL)),
    ("x35", "profit on sales / total assets; operating profit in reports", &[OP, TA], |c| c(OP) / c(TA)),
    ("x36", "total sales / total assets", &[SALES, TA], |c| c(SALES) / c(TA)),
    ("x37", "(current assets - inventory) / long-term liabilities", &[CA, INV, LTL], |c| {
        (c(CA) - c(INV)) / c(LTL)
    }),
    ("x38", "(equity + long-term liabilities) / total assets", &[EQ, LTL, TA], |c| (c(EQ) + c(LTL)) / c(TA)),
    ("x39", "profit on sales / sales; operating profit in reports", &[OP, SALES], |c| c(OP) / c(SALES)),
    ("x40", "(current assets - inventory - receivables) / current liabilities", &[CA, INV, REC, CL], |c| {
        (c(CA) - c(INV) - c(REC)) / c(CL)
    }),
    ("x41", "total liabilities / (30 (operating profit + depreciation))", &[TL, OP, DEP], |c| {
        c(TL) / (30.0 * (c(OP) + c(DEP)))
    }),
    ("x42", "operating profit / sales", &[OP, SALES], |c| c(OP) / c(SALES)),
    ("x43", "365 (receivables + inventory) / sales", &[REC, INV, SALES], |c| {
        365.0 * (c(REC) + c(INV)) / c(SALES)
    }),
    ("x44", "365 receivables / sales", &[REC, SALES], |c| 365.0 * c(REC) / c(SALES)),
    ("x45", "net profit / inventory", &[NET, INV], |c| c(NET) / c(INV)),
    ("x46", "(current assets - inventory) / current liabilities", &[CA, INV, CL], |c| {
        (c(CA) - c(INV)) / c(CL)
    }),
    ("x47", "365 inventory / operating expenses", &[INV, OPEX], |c| 365.0 * c(INV) / c(OPEX)),
    ("x48", "(operating profit - depreciation) / total assets", &[OP, DEP, TA], |c| (c(OP) - c(DEP)) / c(TA)),
    ("x49", "(operating profit - depreciation) / sales", &[OP, DEP, SALES], |c| (c(OP) - c(DEP)) / c(SALES)),
    ("x50", "current assets / total liabilities", &[CA, TL], |c| c(CA) / c(TL)),
    ("x51", "current liabilities / total assets", &[CL, TA], |c| c(CL) / c(TA)),
    ("x52", "current liabilities / operating expenses", &[CL, OPEX], |c| c(CL) / c(OPEX)),
    ("x53", "equity / fixed assets", &[EQ, FA], |c| c(EQ) / c(FA)),
    ("x54", "(equity + long-term liabilities) / fixed assets", &[EQ, LTL, FA], |c| (c(EQ) + c(LTL)) / c(FA)),
    ("x55", "working capital; absent in reports: it depends on the currency", &[], |_| f64::NAN),
    ("x56", "(sales - operating expenses) / sales", &[SALES, OPEX], |c| (c(SALES) - c(OPEX)) / c(SALES)),
    ("x57", "net profit / equity", &[NET, EQ], |c| c(NET) / c(EQ)),
    ("x58", "operating expenses / sales", &[OPEX, SALES], |c| c(OPEX) / c(SALES)),
    ("x59", "long-term liabilities / equity", &[LTL, EQ], |c| c(LTL) / c(EQ)),
    ("x60", "sales / inventory", &[SALES, INV], |c| c(SALES) / c(INV)),
    ("x61", "sales / receivables", &[SALES, REC], |c| c(SALES) / c(REC)),
    ("x62", "365 current liabilities / sales", &[CL, SALES], |c| 365.0 * c(CL) / c(SALES)),
    ("x63", "sales / current liabilities", &[SALES, CL], |c| c(SALES) / c(CL)),
    ("x64", "sales / fixed assets", &[SALES, FA], |c| c(SALES) / c(FA)),
];

/// No short-term securities are no amount, not an unknown one.
fn or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// The feature set.
#[must_use]
pub fn set() -> FeatureSet {
    let features = RATIOS
        .iter()
        .map(|(name, meaning, _, _)| Feature {
            name: (*name).to_owned(),
            meaning: format!("sign(r) ln(1 + |r|) of {meaning}"),
            range: (-40.0, 40.0),
        })
        .collect();
    FeatureSet { id: FeatureSetId { name: "ratios".to_owned(), version: 1 }, subject: "document", features }
}

/// The ratios of a document, if at least [`MIN_KNOWN`] are known, with the cells behind each.
pub(super) fn rows(document: &Document<'_>) -> Vec<Row> {
    let (values, cells) = of(&statements::read(document.tables));
    if values.iter().filter(|value| value.is_finite()).count() < MIN_KNOWN {
        return Vec::new();
    }
    vec![Row { target: ScoreTarget::Document, values, behind: Behind::Cells(cells) }]
}

/// Ratios of known amounts and the cells behind each.
#[must_use]
pub fn of(known: &BTreeMap<Concept, Amount>) -> (Vec<f32>, Vec<Vec<CellReference>>) {
    let value = |concept: Concept| known.get(&concept).map_or(f64::NAN, |amount| amount.value);
    RATIOS
        .iter()
        .map(|(_, _, needs, formula)| {
            let ratio = formula(&value);
            if needs.is_empty() || !ratio.is_finite() {
                return (f32::NAN, Vec::new());
            }
            let cells: BTreeSet<CellReference> = needs
                .iter()
                .filter_map(|need| known.get(need))
                .flat_map(|amount| amount.cells.clone())
                .collect();
            ((ratio.signum() * ratio.abs().ln_1p()) as f32, cells.into_iter().collect())
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::statements::tests::statements;

    fn raw(value: f32) -> f32 {
        value.signum() * (value.abs().exp() - 1.0)
    }

    #[test]
    fn computes_the_ratios_that_the_statements_allow_and_cites_their_cells() {
        let tables = statements();
        let document = Document { tables: &tables, ..Document::default() };
        let rows = rows(&document);
        let [row] = rows.as_slice() else { panic!("one document, one row") };
        let value = |name: &str| raw(row.values[RATIOS.iter().position(|ratio| ratio.0 == name).unwrap()]);
        for (name, expected) in [
            ("x01", 14.0 / 200.0),
            ("x02", 0.6),
            ("x04", 2.0),
            ("x21", 1.25),
            ("x27", 6.0),
            ("x40", 0.75),
            ("x59", 1.0),
            ("x64", 200.0 / 120.0),
        ] {
            assert!((value(name) - expected).abs() < 1e-4, "{name}: {} not {expected}", value(name));
        }
        assert!(["x05", "x13", "x24", "x29"].iter().all(|name| value(name).is_nan()));
        let Behind::Cells(cells) = &row.behind else { panic!("cells") };
        let place = |table, row, column| CellReference { table, row, column };
        assert_eq!(cells[0], [place(0, 5, 2), place(1, 6, 1)]);
        assert!(cells[4].is_empty());
        assert!(super::rows(&Document { tables: &tables[..1], ..Document::default() }).is_empty());
    }

    #[test]
    fn values_stay_in_their_ranges() {
        let (values, _) = of(&statements::read(&statements()));
        for (value, feature) in values.iter().zip(set().features) {
            assert!(
                value.is_nan() || (feature.range.0..=feature.range.1).contains(value),
                "{}",
                feature.name
            );
        }
    }
}
