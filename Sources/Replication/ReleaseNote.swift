package import Ledger

/// What a batch released out of the quarantine. It commits with the records, on the lane's checkpoint
/// partition, under a key of its own: compaction never takes it, so that whichever ledger comes back
/// learns of every release since its newest marker.
package struct ReleaseNote: Hashable, Sendable, Codable {
    package var contract: String
    package var lane: Int
    package var batchSeq: Int64
    /// Of the batch's attempt, 32 hex digits.
    package var nonce: String
    /// What decided anew.
    package var pin: ContractPin
    package var releases: [Release]

    package init(
        contract: String, lane: Int, batchSeq: Int64, nonce: String, pin: ContractPin,
        releases: [Release]
    ) {
        self.contract = contract
        self.lane = lane
        self.batchSeq = batchSeq
        self.nonce = nonce
        self.pin = pin
        self.releases = releases
    }
}
