//! Word families that risk features count. Written for this project from the vocabulary of annual reports.
//!
//! In a family's `words`, patterns are separated by spaces; `*` at the end of a pattern matches any ending, `_` joins
//! the words of a phrase. Everything is lower case. A word may belong to several families.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::Token;

/// A word family.
pub(super) struct Family {
    /// Feature name.
    pub(super) name: &'static str,
    /// Whether its words speak of something bad.
    pub(super) adverse: bool,
    /// Patterns.
    words: &'static str,
}

const fn adverse(name: &'static str, words: &'static str) -> Family {
    Family { name, adverse: true, words }
}

const fn other(name: &'static str, words: &'static str) -> Family {
    Family { name, adverse: false, words }
}

/// The families, in feature order.
pub(super) const FAMILIES: &[Family] = &[
    adverse(
        "adverse",
        "adverse* unfavorabl* detriment* harm harms harmed harmful negatively hurt hurts damag* disrupt* deteriorat* weaken* erod* erosion worsen* jeopardiz*",
    ),
    adverse(
        "material_adverse",
        "material_adverse* materially_adverse* materially_and_adversely adversely_affect* adversely_impact* negatively_affect* negatively_impact* materially_harm*",
    ),
    adverse(
        "going_concern",
        "going_concern substantial_doubt ability_to_continue recurring_losses cease_operations continue_operations",
    ),
    adverse(
        "insolvency",
        "bankrupt* insolven* receivership liquidation chapter_11 chapter_7 creditors reorganiz* trustee winding_up",
    ),
    adverse(
        "default",
        "default defaults defaulted acceleration accelerated breach breached breaches foreclos* cross-default* nonpayment",
    ),
    adverse("covenant", "covenant* waiver* waived forbearance noncompliance non-compliance"),
    adverse(
        "impairment",
        "impair* write-down* write-off* writedown* writeoff* written_down written_off uncollectible* obsolete*",
    ),
    adverse(
        "restructuring",
        "restructur* severance layoff* lay-off* closure* downsiz* redundanc* workforce_reduction* discontinu*",
    ),
    adverse(
        "material_weakness",
        "material_weakness* significant_deficienc* ineffective not_effective deficienc* restate restated restatement* misstat* remediat*",
    ),
    adverse(
        "fraud",
        "fraud* misappropriat* embezzl* brib* corrupt* kickback* misconduct illegal* unlawful* manipulat* conspir*",
    ),
    adverse(
        "litigation",
        "litigat* lawsuit* plaintiff* defendant* complaint* court* class_action* sued suing alleg* petition* appeal*",
    ),
    adverse("settlement", "settlement* settled verdict* judgment* damages injunct* arbitrat* indemnit*"),
    adverse(
        "investigation",
        "investigat* subpoena* inquir* enforcement_action* grand_jury prosecut* indict*",
    ),
    adverse("penalty", "penalt* fine fines fined sanction* violat* revocation revoke*"),
    other("regulation", "regulat* legislat* statut* compliance rulemaking licens* permit permits approval*"),
    adverse(
        "environmental_liability",
        "contaminat* hazardous superfund pollut* toxic spill spills asbestos cleanup clean-up",
    ),
    other(
        "climate",
        "climate drought* hurricane* flood* wildfire* storm* earthquake* natural_disaster* weather",
    ),
    adverse("pandemic", "pandemic* epidemic* covid-19 coronavirus quarantine* outbreak*"),
    adverse(
        "conflict",
        "terror* war wars hostilit* geopolitical political_instability unrest embargo* nationaliz* expropriat*",
    ),
    adverse(
        "cyber",
        "cyber* hacker* hacking security_breach* unauthorized data_breach* malware ransomware virus* intrusion*",
    ),
    adverse("outage", "outage* interrupt* downtime malfunction* breakdown* power_loss system_failure*"),
    other("competition", "competit* compete competes competing rival* market_share"),
    adverse(
        "price_pressure",
        "pricing_pressure* price_pressure* price_erosion price_reduction* lower_prices lower_margins overcapacity",
    ),
    adverse(
        "concentration",
        "loss_of_a loss_of_any loss_of_one limited_number_of small_number_of significant_customer* major_customer* largest_customer* concentrat*",
    ),
    other("supplier", "supplier* supply_chain* sole_source single_source vendor* subcontractor*"),
    adverse("shortage", "shortage* scarcit* insufficient* inadequa* unavailab* lack lacks lacking"),
    other("dependence", "depend depends dependent dependence rely relies reliance reliant"),
    other("personnel", "key_personnel key_employee* attract_and retain qualified_personnel turnover"),
    other("labor", "union unions strike strikes collective_bargaining work_stoppage* labor_dispute*"),
    adverse(
        "credit_loss",
        "nonperforming non-performing charge-off* chargeoff* delinquen* bad_debt* doubtful past_due nonaccrual",
    ),
    other(
        "liquidity",
        "liquidity working_capital additional_financing raise_capital refinanc* additional_funds cash_flow*",
    ),
    other("indebtedness", "indebtedness leverage* borrow* debt debts credit_facility notes_payable lender*"),
    other("interest_rate", "interest_rate* libor sofr prime_rate basis_point*"),
    other("currency", "exchange_rate* foreign_currenc* devaluat* hedg* currenc*"),
    other("commodity", "commodit* fuel crude natural_gas raw_material* steel"),
    adverse(
        "downturn",
        "recession* downturn* slowdown* inflation* deflation* economic_conditions crisis crises stagnat*",
    ),
    adverse("volatility", "volatil* fluctuat* cyclical* unpredictab* instab* turbulen* erratic"),
    adverse(
        "decline",
        "declin* decreas* drop drops dropped fell falling shrink* diminish* lower reduction* reduced reduce*",
    ),
    adverse("loss", "loss losses lose loses losing lost deficit*"),
    adverse("failure", "fail fails failed failing failure* unsuccessful* unable inability cannot"),
    adverse("delay", "delay* postpon* suspend* suspension* cancel* terminat* backlog_reduction*"),
    adverse("dilution", "dilut* delist* penny_stock price_of_our stock_price trading_price"),
    other(
        "takeover",
        "anti-takeover takeover* acquiror* change_of_control change_in_control staggered_board",
    ),
    other("tax", "tax taxes taxation taxing taxable deferred_tax"),
    other("pension", "pension* underfund* postretirement retirement_plan* benefit_obligation*"),
    other(
        "intellectual_property",
        "patent* trademark* intellectual_property proprietary_right* copyright* trade_secret*",
    ),
    adverse("infringement", "infring* misappropriation invalidat* circumvent* counterfeit*"),
    adverse("product_liability", "recall* product_liability defect* injur* death deaths harmful malpractice"),
    adverse(
        "obsolescence",
        "obsolescence technological_change* rapidly_changing rapid_change* new_entrants substitute*",
    ),
    other("insurance", "insur* uninsured indemnif* deductible*"),
    adverse("conflict_of_interest", "conflict_of_interest conflicts_of_interest related_part* self-dealing"),
    adverse("accident", "accident* explosion* fire fires casualt* fatal* catastroph* disaster*"),
    other("growth", "grow* increas* improv* strong* strength* gain gains gained expan*"),
    other("achievement", "award* success* achiev* leading leader leaders innovat* excellen* best"),
    adverse(
        "uncertainty",
        "uncertain* unclear unknown doubt* contingen* unforeseen unexpected* unanticipated",
    ),
    other("possibility", "possib* probab* likely likelihood potential* subject_to"),
    adverse("risk", "risk risks risky exposure* exposed expose exposes threat* vulnerab* susceptib*"),
    other("negation", "no not never none nor neither without"),
    other(
        "estimate",
        "approximately generally believe believes estimat* assum* anticipat* expect expects expected intend intends",
    ),
    other("modal_weak", "may might could possibly perhaps"),
    other("modal_strong", "will must shall always"),
    other("modal_open", "would should can"),
    other("condition", "if unless whether in_the_event provided_that until"),
    other("consequence", "result results resulting consequen* therefore lead_to thereby cause causes caused"),
    other("obligation", "required require requires obligat* comply requirement*"),
    other("first_person", "we our us ourselves"),
    other("company", "company registrant corporation subsidiary subsidiaries"),
    other(
        "governance",
        "director directors officer officers committee* board shareholder* stockholder* elected",
    ),
    other("compensation", "compensat* salary salaries bonus* option options incentive* vest vested"),
    other(
        "property",
        "acre acres square_feet leased lease leases building* office offices facility facilities located headquarters",
    ),
    other("offering", "product products service services brand* store stores manufactur* market markets"),
    other("accounting", "gaap accounting recogniz* accru* fair_value amortiz* depreciat* consolidated"),
    other("past", "was were had been did"),
    other("comparison", "compared versus prior_year respectively year-over-year percent"),
    other(
        "immaterial",
        "no_material not_material immaterial not_a_party not_party no_pending ordinary_course routine incidental",
    ),
    other(
        "reassurance",
        "not_expect* does_not_believe do_not_believe not_believe will_not_have is_effective were_effective in_compliance adequate no_assurance",
    ),
];

/// Exact words, prefixes, and phrases by their first word.
struct Index {
    exact: HashMap<&'static str, Vec<usize>>,
    prefixes: HashMap<&'static str, Vec<usize>>,
    longest_prefix: usize,
    phrases: HashMap<&'static str, Vec<(Vec<&'static str>, usize)>>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index =
        Index { exact: HashMap::new(), prefixes: HashMap::new(), longest_prefix: 0, phrases: HashMap::new() };
    for (family, entry) in FAMILIES.iter().enumerate() {
        for pattern in entry.words.split_ascii_whitespace() {
            if let Some((first, rest)) = pattern.split_once('_') {
                index.phrases.entry(first).or_default().push((rest.split('_').collect(), family));
            } else if let Some(prefix) = pattern.strip_suffix('*') {
                index.longest_prefix = index.longest_prefix.max(prefix.len());
                index.prefixes.entry(prefix).or_default().push(family);
            } else {
                index.exact.entry(pattern).or_default().push(family);
            }
        }
    }
    index
});

/// Calls `found` with the family of every match that starts at each token; a family counts once per token.
pub(super) fn matches(tokens: &[Token<'_>], mut found: impl FnMut(usize)) {
    let index = &*INDEX;
    let mut here: Vec<usize> = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        let word = token.lower.as_str();
        here.clear();
        here.extend(index.exact.get(word).into_iter().flatten());
        for length in 3..=word.len().min(index.longest_prefix) {
            if let Some(prefix) = word.get(..length) {
                here.extend(index.prefixes.get(prefix).into_iter().flatten());
            }
        }
        for (rest, family) in index.phrases.get(word).into_iter().flatten() {
            let follows = rest.iter().enumerate().all(|(offset, pattern)| {
                tokens.get(position + 1 + offset).is_some_and(|token| match pattern.strip_suffix('*') {
                    Some(prefix) => token.lower.starts_with(prefix),
                    None => token.lower == *pattern,
                })
            });
            if follows {
                here.push(*family);
            }
        }
        here.sort_unstable();
        here.dedup();
        here.iter().for_each(|family| found(*family));
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tokens;
    use super::*;

    fn families(text: &str) -> Vec<&'static str> {
        let mut found = Vec::new();
        matches(&tokens(text), |family| found.push(FAMILIES[family].name));
        found
    }

    #[test]
    fn words_prefixes_and_phrases() {
        assert_eq!(families("Substantial doubt remains"), ["going_concern", "uncertainty"]);
        assert!(families("It was adversely affected.").starts_with(&["past", "adverse", "material_adverse"]));
        assert_eq!(families("harmless finery"), [] as [&str; 0]);
        assert_eq!(families("Fines, fines"), ["penalty", "penalty"]);
        assert_eq!(families("loss of"), ["loss"]);
        assert_eq!(families("loss of a customer"), ["concentration", "loss"]);
    }

    #[test]
    fn patterns_are_well_formed() {
        for family in FAMILIES {
            assert!(!family.words.is_empty() && family.words == family.words.to_lowercase());
            for pattern in family.words.split_ascii_whitespace() {
                let star = pattern.find('*');
                assert!(star.is_none_or(|at| at == pattern.len() - 1 && at >= 3), "{pattern}");
            }
        }
    }
}
