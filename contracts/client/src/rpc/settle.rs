//! Gets a set of calls answered.
//!
//! Rounds: each takes the endpoint that can be asked soonest, sends it all open calls in batches as long as it takes
//! them, and keeps what came back. A call leaves the set with its answer, with an error that would come again, or
//! when it has been asked often enough.
//!
//! **Invariant:** a round asks at least one call, shrinks a batch, or is one of a bounded number without progress.

use crate::{
    RpcCause, RpcError, endpoint::Endpoint, error::Class, rpc::Call, status::Board, wire::Outcome,
};
use futures_util::future::join_all;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// One call on its way.
struct Slot<T> {
    answer: Option<Result<T, RpcError>>,
    /// How often it was asked.
    attempts: u32,
    /// Endpoints that cannot answer it, by place.
    unable: Vec<usize>,
}

/// Everything a round needs.
struct Settling<'a, T> {
    endpoints: &'a [Endpoint],
    max_attempts: u32,
    board: &'a Board,
    calls: &'a [Call],
    slots: Vec<Slot<T>>,
}

/// See the module. As many answers as calls, in their order.
pub(super) async fn settle<T: DeserializeOwned + Send>(
    endpoints: &[Endpoint],
    max_attempts: u32,
    board: &Board,
    calls: &[Call],
) -> Vec<Result<T, RpcError>> {
    board.count_calls(calls.len());
    let least = u32::try_from(endpoints.len()).unwrap_or(u32::MAX);
    let slots = calls.iter().map(|_| Slot { answer: None, attempts: 0, unable: Vec::new() });
    let max_attempts = max_attempts.max(least);
    let mut settling = Settling { endpoints, max_attempts, board, calls, slots: slots.collect() };
    let mut idle = 0;
    while let Some(place) = settling.next_endpoint() {
        if idle > settling.max_attempts {
            settling.give_up(place);
            break;
        }
        let progress = settling.round(place).await;
        idle = if progress { 0 } else { idle + 1 };
    }
    settling.slots.into_iter().map(|slot| slot.answer.expect("the rounds settle all")).collect()
}

impl<T: DeserializeOwned + Send> Settling<'_, T> {
    /// The endpoint for the first open call: the one that can be asked soonest.
    fn next_endpoint(&self) -> Option<usize> {
        let open = self.slots.iter().find(|slot| slot.answer.is_none())?;
        let able = (0..self.endpoints.len()).filter(|place| !open.unable.contains(place));
        able.min_by_key(|place| (self.endpoints[*place].quiet_ms(), *place))
    }

    /// Whether something was asked or learned.
    async fn round(&mut self, place: usize) -> bool {
        let endpoint = &self.endpoints[place];
        let quiet_ms = endpoint.quiet_ms();
        if quiet_ms > 0 {
            tokio::time::sleep(Duration::from_millis(quiet_ms)).await;
        }
        let is_open = |slot: &Slot<T>| slot.answer.is_none() && !slot.unable.contains(&place);
        let open: Vec<_> = (0..self.slots.len()).filter(|at| is_open(&self.slots[*at])).collect();
        let (calls, board) = (self.calls, self.board);
        let most = if endpoint.is_probed() { 1 } else { usize::MAX };
        let asked = open.chunks(endpoint.batch()).take(most).map(|chunk| async move {
            let batch: Vec<_> = chunk.iter().map(|at| calls[*at].clone()).collect();
            (chunk, endpoint.exchange(&batch, board).await)
        });
        let mut progress = false;
        for (chunk, answer) in join_all(asked).await {
            match answer {
                None => continue,
                Some(Ok(outcomes)) => {
                    endpoint.grow_batch();
                    self.take_outcomes(place, chunk, outcomes);
                }
                Some(Err(cause)) => self.take_fault(place, chunk, cause),
            }
            progress = true;
        }
        progress
    }

    fn take_outcomes(&mut self, place: usize, chunk: &[usize], outcomes: Vec<Option<Outcome>>) {
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(|| None));
        for (at, outcome) in chunk.iter().zip(outcomes) {
            match outcome {
                None => self.again(place, *at, RpcCause::Unanswered),
                Some(Ok(result)) => match serde_json::from_str(result.get()) {
                    Ok(answer) => {
                        self.endpoints[place].note_answer(self.board);
                        self.slots[*at].answer = Some(Ok(answer));
                    }
                    Err(error) => {
                        let cause = RpcCause::OtherShape { why: error.to_string() };
                        self.again(place, *at, cause);
                    }
                },
                Some(Err(error)) => {
                    let (class, is_batch) = (Class::of(&error), chunk.len() > 1);
                    let cause = RpcCause::Answered(error);
                    match class {
                        Class::Throttled => {
                            let throttled = RpcCause::Throttled {
                                why: cause.to_string(),
                                retry_after_ms: None,
                            };
                            self.again(place, *at, throttled);
                        }
                        Class::Transient => self.again(place, *at, cause),
                        Class::BatchTooLarge if is_batch => {
                            self.endpoints[place].shrink_batch(chunk.len());
                        }
                        Class::Final | Class::BatchTooLarge => self.fail(place, *at, cause),
                        Class::Missing => {
                            self.endpoints[place].note_lack(&self.calls[*at].method);
                            self.elsewhere(place, *at, cause);
                        }
                        Class::Elsewhere => self.elsewhere(place, *at, cause),
                    }
                }
            }
        }
    }

    /// A request failed as a whole; the endpoint's pace knows of it.
    fn take_fault(&mut self, place: usize, chunk: &[usize], cause: RpcCause) {
        let is_long = chunk.len() > 1
            && matches!(cause, RpcCause::BatchRefused { .. } | RpcCause::TooLarge { .. });
        if is_long {
            self.endpoints[place].shrink_batch(chunk.len());
            return;
        }
        if matches!(cause, RpcCause::TimedOut { .. }) {
            self.endpoints[place].ease_batch(chunk.len());
        }
        for at in chunk {
            match &cause {
                RpcCause::Answered(error) if Class::of(error) == Class::Final => {
                    self.fail(place, *at, cause.clone());
                }
                RpcCause::TooLarge { .. } | RpcCause::BatchRefused { .. } => {
                    self.elsewhere(place, *at, cause.clone());
                }
                RpcCause::Status { .. } if cause.remedy() == crate::Remedy::GiveUp => {
                    self.elsewhere(place, *at, cause.clone());
                }
                _ => self.count(place, *at, cause.clone()),
            }
        }
    }

    /// The call's own answer was a fault of the endpoint.
    fn again(&mut self, place: usize, at: usize, cause: RpcCause) {
        self.endpoints[place].note_fault(&cause, self.board);
        self.count(place, at, cause);
    }

    fn count(&mut self, place: usize, at: usize, cause: RpcCause) {
        self.slots[at].attempts += 1;
        if self.slots[at].attempts >= self.max_attempts {
            self.fail(place, at, cause);
        }
    }

    /// Another endpoint may have an answer.
    fn elsewhere(&mut self, place: usize, at: usize, cause: RpcCause) {
        let slot = &mut self.slots[at];
        slot.unable.push(place);
        if slot.unable.len() >= self.endpoints.len() {
            self.fail(place, at, cause);
        }
    }

    fn fail(&mut self, place: usize, at: usize, cause: RpcCause) {
        self.slots[at].answer = Some(Err(self.error(place, at, cause)));
    }

    fn error(&self, place: usize, at: usize, cause: RpcCause) -> RpcError {
        RpcError {
            method: self.calls[at].method.to_string(),
            endpoint: self.endpoints[place].label().to_owned(),
            cause: Box::new(cause),
        }
    }

    /// Others kept the endpoint busy failing.
    fn give_up(&mut self, place: usize) {
        for at in 0..self.slots.len() {
            if self.slots[at].answer.is_none() {
                let why = "left alone after other calls failed".to_owned();
                self.fail(place, at, RpcCause::Throttled { why, retry_after_ms: None });
            }
        }
    }
}
