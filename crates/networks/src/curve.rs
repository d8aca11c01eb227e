//! Learning curves as text: comma-separated values and a small SVG chart.

use super::train::Epoch;

/// `epoch,training,validation`, one line per epoch.
#[must_use]
pub fn csv(curve: &[Epoch]) -> String {
    let mut text = String::from("epoch,training,validation\n");
    for point in curve {
        text.push_str(&format!("{},{:.6},{:.6}\n", point.epoch, point.training, point.validation));
    }
    text
}

/// A line chart of both losses over epochs, 640 by 360 pixels, with the epoch that was kept marked.
#[must_use]
pub fn svg(name: &str, curve: &[Epoch], best_epoch: usize) -> String {
    const LEFT: f64 = 60.0;
    const TOP: f64 = 40.0;
    const WIDTH: f64 = 560.0;
    const HEIGHT: f64 = 270.0;
    let losses = || curve.iter().flat_map(|point| [point.training, point.validation]);
    let highest = losses().fold(f64::MIN_POSITIVE, f64::max);
    let lowest = losses().fold(highest, f64::min).min(highest * 0.999);
    let last = curve.last().map_or(1, |point| point.epoch).max(2);
    let x = |epoch: usize| LEFT + WIDTH * (epoch - 1) as f64 / (last - 1) as f64;
    let y = |loss: f64| TOP + HEIGHT * (highest - loss) / (highest - lowest);
    let line = |loss: fn(&Epoch) -> f64| {
        curve
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.epoch), y(loss(point))))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let name: String = name.chars().filter(|c| c.is_alphanumeric() || "_- ".contains(*c)).collect();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"360\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"360\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{name}: loss per epoch</text>\n"
    );
    for step in 0..=4 {
        let loss = lowest + (highest - lowest) * f64::from(step) / 4.0;
        let height = y(loss);
        text.push_str(&format!(
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{height:.1}\" y2=\"{height:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{loss:.3}</text>\n",
            LEFT + WIDTH,
            LEFT - 6.0,
            height + 4.0,
        ));
    }
    for (points, color) in [(line(|p| p.training), "#999"), (line(|p| p.validation), "#0a58ca")] {
        text.push_str(&format!(
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" points=\"{points}\"/>\n"
        ));
    }
    if best_epoch > 0 {
        text.push_str(&format!(
            "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{1}\" stroke=\"#d63384\" stroke-dasharray=\"4 3\"/>\n",
            x(best_epoch),
            TOP + HEIGHT
        ));
    }
    text.push_str(&format!(
        "<text x=\"{LEFT}\" y=\"330\">1</text><text x=\"{:.0}\" y=\"330\" text-anchor=\"end\">{last}</text>\n\
         <text x=\"{LEFT}\" y=\"350\" fill=\"#999\">training</text><text x=\"130\" y=\"350\" fill=\"#0a58ca\">validation</text>\
         <text x=\"210\" y=\"350\" fill=\"#d63384\">kept: epoch {best_epoch}</text>\n</svg>\n",
        LEFT + WIDTH
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_every_epoch() {
        let curve: Vec<Epoch> =
            (1..=3).map(|epoch| Epoch { epoch, training: 1.0 / epoch as f64, validation: 0.5 }).collect();
        assert_eq!(csv(&curve).lines().nth(2), Some("2,0.500000,0.500000"));
        let chart = svg("a<b", &curve, 2);
        assert!(chart.contains("ab: loss per epoch") && chart.contains("kept: epoch 2"));
        assert_eq!(chart.matches("<polyline").count(), 2);
        assert!(!chart.contains("NaN") && !chart.contains("inf"));
        assert!(!svg("one", &curve[..1], 1).contains("NaN"));
    }
}
