//! The evaluator allocates nothing while it runs: counted, not assumed.
#![allow(unsafe_code)] // a global allocator can only be written with it

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use docproc_networks::evaluate::Evaluator;
use docproc_networks::network::Network;
use docproc_networks::spec::{LayerSpec, NetworkSpec, Output};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged; counting touches no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise about `layout` is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, that is from the system allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn running_a_network_allocates_nothing() {
    for kind in ["relu", "gelu", "document_glu", "adaptive_relu", "mixture_of_experts"] {
        let layers = [64, 32, 1].map(|size| LayerSpec::named(size, kind).unwrap()).to_vec();
        let network = Network::random(NetworkSpec::new("n", 128, layers, Output::Values), 1).unwrap();
        let evaluator = Evaluator::new(&network);
        let (inputs, mut outputs) = (vec![0.5; 128 * 100], vec![0.0; 100]);
        let mut scratch = evaluator.scratch();
        let before = ALLOCATIONS.with(Cell::get);
        evaluator.run(&inputs, &mut outputs, &mut scratch).unwrap();
        assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0, "{kind}");
        drop(evaluator.scratch());
        assert!(ALLOCATIONS.with(Cell::get) > before, "the counter counts");
    }
}
