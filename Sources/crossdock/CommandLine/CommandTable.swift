/// Every command there is, in the order in which help lists them. What is not built yet does not
/// stand here.
enum CommandTable {
    static let commands: [any Command.Type] = [
        Init.self,
        Validate.self,
        Test.self,
        Preview.self,
        Diff.self,
        Check.self,
        Start.self,
        Lag.self,
        Status.self,
        Offsets.self,
        Suspend.self,
        Resume.self,
        Revoke.self,
        Quarantine.self,
        Recover.self,
        Backup.self,
        Demo.self,
    ]

    static func named(_ name: String) -> (any Command.Type)? {
        commands.first { $0.name == name }
    }

    static let version = "0.1.0"
}
