//! The stages behind each other, from batches on, and the change of stages at Holocene (D13).
//!
//! **Invariant:** L1 moves on only when every stage is out of data.

use crate::{
    Item, L2Head, Reason,
    bedrock::batches::BatchQueue,
    context::Context,
    fact::Pause,
    holocene::batches::BatchStage,
    note::ResetReason,
    unforked::{attributes, channel_reader::ChannelReader, origins::Origins, traversal::Traversal},
};
use alloc::boxed::Box;
use opal_types::{Attributes, Fork, L2Ref, SingularBatch, SystemConfig};

/// Where batches are chosen.
#[derive(Debug)]
enum Batches {
    Bedrock(Box<BatchQueue>),
    Holocene(BatchStage),
}

/// The next attributes, and whether their span batch is complete with them.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(crate) attributes: Attributes,
    pub(crate) concludes: bool,
}

/// What batches are chosen from.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) reader: ChannelReader,
    pub(crate) origins: Origins,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pipeline {
    inputs: Inputs,
    batches: Batches,
    /// A batch whose attributes wait for a fact.
    chosen: Option<(SingularBatch, bool)>,
}

impl Pipeline {
    /// Starts to read at the context's L1 block, where this system config is in force.
    pub(crate) fn new(system_config: SystemConfig, cx: &Context) -> Self {
        let is_holocene = cx.reads_under(Fork::Holocene);
        let reader = ChannelReader::new(Traversal::new(system_config), is_holocene);
        let inputs = Inputs { reader, origins: Origins::new(cx.origin.clone()) };
        let batches = if is_holocene {
            Batches::Holocene(BatchStage::default())
        } else {
            Batches::Bedrock(Box::default())
        };
        Self { inputs, batches, chosen: None }
    }

    /// The attributes of the block after `parent`.
    pub(crate) fn next(&mut self, parent: &L2Head, cx: &mut Context) -> Result<Next, Pause> {
        loop {
            match self.attributes(parent, cx) {
                Err(Pause::OutOfData) => self.advance(cx)?,
                // What was read stays read; only the facts of this round are done with.
                Err(Pause::Again) => {}
                result => return result,
            }
            cx.facts.clear();
        }
    }

    fn attributes(&mut self, parent: &L2Head, cx: &mut Context) -> Result<Next, Pause> {
        let (batch, concludes) = match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => self.choose(&parent.block, cx)?,
        };
        let origin = self.inputs.origins.at(batch.epoch.number).cloned();
        let origin = origin.ok_or(Pause::Reset(ResetReason::BatchMismatch))?;
        match attributes::build(cx, parent, &origin, &batch) {
            Ok(attributes) => {
                self.chosen = None;
                Ok(Next { attributes, concludes })
            }
            Err(pause) => {
                self.chosen = Some((batch, concludes));
                Err(pause)
            }
        }
    }

    fn choose(&mut self, parent: &L2Ref, cx: &mut Context) -> Result<(SingularBatch, bool), Pause> {
        match &mut self.batches {
            Batches::Bedrock(queue) => queue.next(parent, &mut self.inputs, cx),
            Batches::Holocene(stage) => stage.next(parent, &mut self.inputs, cx),
        }
    }

    fn advance(&mut self, cx: &mut Context) -> Result<(), Pause> {
        let was_holocene = cx.reads_under(Fork::Holocene);
        self.inputs.reader.frames.traversal.advance(cx)?;
        if !was_holocene && cx.reads_under(Fork::Holocene) {
            // Open frames, channels and batches are dropped; the L1 blocks stay.
            self.inputs.reader.activate_holocene();
            self.batches = Batches::Holocene(BatchStage::default());
            cx.note(Item::Pipeline, Reason::HoloceneActivated);
        }
        Ok(())
    }

    /// Drops what is left of the channel that is being read (D13).
    pub(crate) fn flush(&mut self, cx: &mut Context) {
        if let Batches::Holocene(stage) = &mut self.batches {
            stage.flush(&mut self.inputs.reader, cx);
        }
    }
}
