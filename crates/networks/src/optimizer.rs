//! Two ways to step down a gradient.

use super::gradient::Parameters;

/// How weights are changed, with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on shuffled minibatches; betas 0.9 and 0.999.
    AdamW {
        /// Step size; falls to zero along a half cosine over the epochs.
        learning_rate: f64,
        /// Decoupled weight decay, not applied to biases and thresholds.
        weight_decay: f64,
        /// Rows per step.
        batch: usize,
    },
    /// iRPROP- (Igel and Huesken 2000) on the whole set at once: for small sets.
    IRpropMinus,
}

/// First and second moments (AdamW), or last gradient and step sizes (iRPROP-).
pub(super) struct State {
    optimizer: Optimizer,
    first: Parameters,
    second: Parameters,
    steps: u64,
}

impl State {
    pub(super) fn new(optimizer: Optimizer, parameters: &Parameters) -> Self {
        let mut second = parameters.zeros_like();
        if optimizer == Optimizer::IRpropMinus {
            second.slices_mut().for_each(|slice| slice.fill(0.1));
        }
        Self { optimizer, first: parameters.zeros_like(), second, steps: 0 }
    }

    /// Changes the parameters by one step; `pace` (0 to 1) scales AdamW's step size.
    pub(super) fn step(&mut self, parameters: &mut Parameters, gradient: &Parameters, pace: f64) {
        self.steps += 1;
        let steps = self.steps as f64;
        let slices = parameters
            .slices_mut()
            .zip(gradient.slices())
            .zip(self.first.slices_mut().zip(self.second.slices_mut()))
            .enumerate();
        for (index, ((values, gradient), (first, second))) in slices {
            let is_weights = index % 3 == 0; // weights, biases, thresholds of each layer in turn
            for (((value, gradient), first), second) in
                values.iter_mut().zip(gradient).zip(first.iter_mut()).zip(second.iter_mut())
            {
                match self.optimizer {
                    Optimizer::AdamW { learning_rate, weight_decay, .. } => {
                        let rate = learning_rate * pace;
                        *first = 0.9 * *first + 0.1 * gradient;
                        *second = 0.999 * *second + 0.001 * gradient * gradient;
                        let mean = *first / (1.0 - 0.9f64.powf(steps));
                        let square = *second / (1.0 - 0.999f64.powf(steps));
                        if is_weights {
                            *value -= rate * weight_decay * *value;
                        }
                        *value -= rate * mean / (square.sqrt() + 1e-8);
                    }
                    Optimizer::IRpropMinus => {
                        let agreement = *first * gradient;
                        *first = *gradient;
                        if agreement > 0.0 {
                            *second = (*second * 1.2).min(50.0);
                        } else if agreement < 0.0 {
                            *second = (*second * 0.5).max(1e-9);
                            *first = 0.0;
                        }
                        if *first != 0.0 {
                            *value -= first.signum() * *second;
                        }
                    }
                }
            }
        }
    }
}
