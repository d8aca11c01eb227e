//! What a sentiment label means, whatever the model calls it.

use super::analysis::Sentiment;

/// The direction of a sentiment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Bad news.
    Negative,
    /// Neither.
    Neutral,
    /// Good news.
    Positive,
}

/// Label words of public models, in lower case. docs/configuration.md lists them.
const WORDS: [(Tone, &str); 3] = [
    (
        Tone::Positive,
        "positive pos bullish bull good favorable favourable optimistic positiv gut optimistisch bullisch positif \
         haussier positivo positiva alcista rialzista optimista otimista positief pozytywny pozitif olumlu \
         позитивный положительный 正面 积极 ポジティブ 긍정",
    ),
    (
        Tone::Negative,
        "negative neg bearish bear bad unfavorable unfavourable pessimistic negativ schlecht pessimistisch bärisch \
         négatif négative baissier negativo negativa bajista ribassista pesimista pessimista negatief negatywny \
         negatif olumsuz негативный отрицательный 负面 消极 ネガティブ 부정",
    ),
    (
        Tone::Neutral,
        "neutral neu mixed neutre neutro neutra neutrale neutraal neutralny nötr нейтральный 中性 中立 ニュートラル \
         중립",
    ),
];

/// Words that say how strongly, not in which direction.
const DEGREES: [&str; 9] =
    ["very", "extremely", "strongly", "moderately", "somewhat", "slightly", "sehr", "eher", "sentiment"];

impl Tone {
    /// The meaning of a label, letter case and degree apart; one to five stars count as well. `None` for words that
    /// say nothing here, such as `LABEL_2`.
    #[must_use]
    pub fn of(label: &str) -> Option<Self> {
        let label = label.to_lowercase().replace(['_', '-'], " ");
        let words: Vec<&str> = label.split_whitespace().filter(|word| !DEGREES.contains(word)).collect();
        match words.as_slice() {
            [word] => {
                let says = |words: &str| words.split_whitespace().any(|other| other == *word);
                WORDS.iter().find(|(_, words)| says(words)).map(|(tone, _)| *tone)
            }
            [count, "star" | "stars"] => match *count {
                "1" | "2" => Some(Self::Negative),
                "3" => Some(Self::Neutral),
                "4" | "5" => Some(Self::Positive),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its name, which is also the label that is taken at its word.
    const fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Neutral => "neutral",
            Self::Positive => "positive",
        }
    }

    /// What the user should know about a model with these labels: what other words than positive, negative and neutral
    /// count as, and what has no known meaning.
    #[must_use]
    pub fn notice(labels: &[String]) -> Option<String> {
        let tones: Vec<(&str, Option<Self>)> =
            labels.iter().map(|label| (label.as_str(), Self::of(label))).collect();
        let has = |tone| tones.iter().any(|(_, other)| *other == Some(tone));
        let opposites = has(Self::Positive) && has(Self::Negative);
        let unknown: Vec<&str> =
            tones.iter().filter(|(_, tone)| tone.is_none()).map(|(label, _)| *label).collect();
        if labels.is_empty() {
            return None;
        }
        if unknown.is_empty() && opposites {
            let known = tones.iter().filter_map(|(label, tone)| Some((*label, tone.as_ref()?.name())));
            let renamed: Vec<String> = known
                .filter(|(label, name)| label != name)
                .map(|(label, name)| format!("{label} counts as {name}"))
                .collect();
            return (!renamed.is_empty()).then(|| format!("sentiment labels: {}", renamed.join(", ")));
        }
        let unknown = match unknown.as_slice() {
            [] => String::new(),
            names => format!("docproc does not know what its labels {} mean; ", names.join(", ")),
        };
        let effect = match opposites {
            true => "they count as neither positive nor negative",
            false => "every sentiment balance is 0, and scores see no sentiment",
        };
        Some(format!(
            "sentiment model: {unknown}{effect}. Name its labels positive, negative and neutral in `id2label` of its \
             config.json"
        ))
    }
}

impl Sentiment {
    /// Probability of all labels of this tone together.
    #[must_use]
    pub fn probability_of(&self, tone: Tone) -> f32 {
        let alike = self.probabilities.iter().filter(|(label, _)| Tone::of(label) == Some(tone));
        alike.fold(0.0, |sum, (_, probability)| sum + probability.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_public_models_have_their_meaning() {
        for (label, tone) in [
            ("Positive", Tone::Positive),
            ("POS", Tone::Positive),
            ("Bullish", Tone::Positive),
            ("very_positive", Tone::Positive),
            ("5 stars", Tone::Positive),
            ("positiv", Tone::Positive),
            ("BEARISH", Tone::Negative),
            ("1 star", Tone::Negative),
            ("Sehr negativ", Tone::Negative),
            ("Négatif", Tone::Negative),
            ("NEU", Tone::Neutral),
            ("3 stars", Tone::Neutral),
        ] {
            assert_eq!(Tone::of(label), Some(tone), "{label}");
        }
        for label in ["LABEL_2", "2", "not positive", "6 stars", "hawkish", ""] {
            assert_eq!(Tone::of(label), None, "{label}");
        }
    }

    #[test]
    fn the_notice_names_the_labels_and_the_remedy() {
        let notice = |labels: &[&str]| {
            Tone::notice(&labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(notice(&["negative", "positive"]), None);
        assert_eq!(
            notice(&["Bullish", "Bearish", "neutral"]).as_deref(),
            Some("sentiment labels: Bullish counts as positive, Bearish counts as negative")
        );
        assert_eq!(notice(&[]), None);
        let text = notice(&["LABEL_0", "LABEL_1"]).expect("unknown");
        assert!(text.contains("LABEL_0, LABEL_1") && text.contains("balance is 0"), "{text}");
        assert!(text.contains("id2label"), "{text}");
        let text = notice(&["positive", "litigious", "negative"]).expect("one is unknown");
        assert!(text.contains("litigious") && !text.contains("balance is 0"), "{text}");
        assert!(notice(&["positive", "neutral"]).is_some_and(|text| text.contains("balance is 0")));
    }
}
