internal import CRdKafka

package enum CommitResult: Hashable, Sendable {
    case committed
    /// EndTxn was certainly never sent and never queued: the transaction is still open and may be
    /// aborted.
    case notSent(String)
    /// May have committed or not: only what stands in the cluster can tell.
    case unknown(String)
    case fenced(String)
}

package enum AbortResult: Hashable, Sendable {
    case aborted
    case unknown(String)
    case fenced(String)
}

// The end of a transaction, one way or the other.
extension TransactionalProducer {
    /// Ends the transaction. Loops over retriable answers until the deadline; everything that is not
    /// certain is `unknown`, also librdkafka's "commit succeeded on the broker but … failed locally".
    package func commit(timeout: Duration) -> CommitResult {
        guard let client else { return .unknown("the producer is closed") }
        let deadline = Deadline(timeout)
        var calls = 0
        while true {
            let time = max(1, deadline.remaining.milliseconds)
            let result = rd_kafka_commit_transaction(client.raw, time)
            calls += 1
            let sent = endTxnSent
            guard let error = TransactionError(consuming: result) else {
                noteEnd(sent)
                return .committed
            }
            if error.isRetriable && !deadline.isOver { continue }
            isSpoilt = true
            if error.isFenced { return .fenced(error.text) }
            // A first call that fails without a timeout has sent nothing and left nothing queued; a
            // later one may follow an EndTxn that still waits for its connection.
            if error.requiresAbort && sent == 0 && calls == 1 {
                isSpoilt = false
                return .notSent(error.text)
            }
            return .unknown(error.text)
        }
    }

    /// Gives the transaction up. `_CONFLICT` is never looped on; `_STATE` in state Ready says that
    /// there is nothing to abort.
    package func abort(timeout: Duration) -> AbortResult {
        guard let client else { return .unknown("the producer is closed") }
        let deadline = Deadline(timeout)
        while true {
            let time = max(1, deadline.remaining.milliseconds)
            let result = rd_kafka_abort_transaction(client.raw, time)
            let sent = endTxnSent
            guard let error = TransactionError(consuming: result) else {
                noteEnd(sent)
                // Without its one EndTxn an OK is a bumped epoch, not an abort.
                return sent == 1 || accepted == 0
                    ? .aborted : .unknown("abort_transaction: OK after \(sent) EndTxn requests")
            }
            let isConflict = error.code == RD_KAFKA_RESP_ERR__CONFLICT
            if error.isRetriable && !isConflict && !deadline.isOver { continue }
            if error.code == RD_KAFKA_RESP_ERR__STATE && error.detail.contains("state Ready")
                && sent == 0 && accepted == 0
            {
                return .aborted
            }
            isSpoilt = true
            return error.isFenced ? .fenced(error.text) : .unknown(error.text)
        }
    }

    /// One EndTxn per transaction that holds anything, else a late one may still be under way.
    private func noteEnd(_ sent: Int) {
        if sent != (accepted == 0 ? 0 : 1) { isSpoilt = true }
    }
}
