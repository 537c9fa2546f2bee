//! A tracer that gives up after so many steps.
//!
//! **Invariant:** a trace is whole, or it is an error.

use revm::DatabaseRef;
use revm::Inspector;
use revm::context_interface::{ContextError, ContextTr};
use revm::inspector::JournalExt;
use revm::interpreter::interpreter_types::LoopControl;
use revm::interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter};
use revm::primitives::{Address, Log, U256};
use revm_inspectors::tracing::DebugInspector;

/// Watches for [`DebugInspector`] until the steps are used up.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) inner: DebugInspector,
    /// Steps that may still be recorded.
    pub(super) left: usize,
}

impl<C> Inspector<C> for Bounded
where
    C: ContextTr<Journal: JournalExt, Db: DatabaseRef>,
{
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut C) {
        self.inner.initialize_interp(interp, context);
    }

    fn step(&mut self, interp: &mut Interpreter, context: &mut C) {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                self.inner.step(interp, context);
            }
            None => {
                let text = "the trace has too many steps".to_owned();
                *context.error() = Err(ContextError::Custom(text));
                interp.bytecode.action().take();
                interp.bytecode.reset_action();
                interp.halt_fatal();
            }
        }
    }

    fn step_end(&mut self, interp: &mut Interpreter, context: &mut C) {
        if self.left > 0 {
            self.inner.step_end(interp, context);
        }
    }

    fn log(&mut self, context: &mut C, log: Log) {
        self.inner.log(context, log);
    }

    fn log_full(&mut self, interp: &mut Interpreter, context: &mut C, log: Log) {
        self.inner.log_full(interp, context, log);
    }

    fn call(&mut self, context: &mut C, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.inner.call(context, inputs)
    }

    fn call_end(&mut self, context: &mut C, inputs: &CallInputs, outcome: &mut CallOutcome) {
        self.inner.call_end(context, inputs, outcome);
    }

    fn create(&mut self, context: &mut C, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.inner.create(context, inputs)
    }

    fn create_end(&mut self, context: &mut C, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        self.inner.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        <DebugInspector as Inspector<C>>::selfdestruct(&mut self.inner, contract, target, value);
    }
}
