//! Each case is a test of its own, against one batchmock, in which each has accounts of its own.

use std::sync::Arc;

use batchmock_conformance::{OwnMock, Verdict, report, run, server};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let mock = runtime.block_on(OwnMock::start(7)).expect("a batchmock starts");
    let target = runtime.block_on(mock.target()).expect("it can be reached");
    let handle = runtime.handle().clone();
    let trials = server::all()
        .map(|case| {
            let (handle, target) = (handle.clone(), Arc::clone(&target));
            Trial::test(case.id, move || {
                let found = handle.block_on(run::one(&target, case));
                if found.verdict == Verdict::Passed {
                    Ok(())
                } else {
                    Err(Failed::from(report::judged_as_text(&found.into())))
                }
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(mock);
    conclusion.exit();
}
