/// Which members of a record are captured, and where: the scanner's slots. Paths into the elements of
/// an array have a scope of their own, whose slots are filled again for every element.
final class SourcePlan {
    /// One member name on the way to captured values.
    final class Node {
        var slot: Int32 = -1
        private(set) var children: [(name: String, node: Node)] = []

        func child(_ name: String) -> Node {
            if let child = children.first(where: { $0.name == name }) { return child.node }
            let node = Node()
            children.append((name, node))
            return node
        }
    }

    /// A record, or the elements of one array.
    final class Scope {
        let root = Node()
    }

    let record = Scope()
    private(set) var slotCount = 0

    /// The slot of the member that `names` lead to; no names: the scope's value itself.
    func slot(_ names: [String], in scope: Scope) -> Int32 {
        var node = scope.root
        for name in names { node = node.child(name) }
        if node.slot < 0 {
            node.slot = Int32(slotCount)
            slotCount += 1
        }
        return node.slot
    }

    /// The record's names, for the scanner. Call it when every slot is known.
    func nameTable() -> NameTable {
        var table = NameTable(planned: count(record.root), nowhere: Int32(slotCount))
        insert(record.root, NameTable.root, &table)
        return table
    }

    private func count(_ node: Node) -> Int {
        node.children.reduce(0) { $0 + 1 + count($1.node) }
    }

    private func insert(_ node: Node, _ parent: Int32, _ table: inout NameTable) {
        for (name, child) in node.children {
            let entry = Array(name.utf8).withUnsafeBufferPointer {
                let prepared = table.prepare($0, parent: parent)
                return table.insert(prepared, parent: parent, planned: true)
            }
            if child.slot >= 0 { table.capture(entry, into: child.slot) }
            insert(child, entry, &table)
        }
    }
}

/// An element scope laid out flat: finds the captured members of one element after the other.
struct ElementScope {
    private struct Name {
        var text: UnsafeBufferPointer<UInt8>
        var slot: Int32
        /// Into the same list, -1 = none.
        var firstChild: Int32 = -1
        var nextSibling: Int32 = -1
    }

    private let names: UnsafeMutablePointer<Name>
    private let texts: [UnsafeMutablePointer<UInt8>]
    /// Slot of the element itself, -1 = none.
    private let elementSlot: Int32
    private let allSlots: [Int32]
    private let first: Int32

    init(_ scope: SourcePlan.Scope) {
        var list: [Name] = []
        var texts: [UnsafeMutablePointer<UInt8>] = []
        var slots: [Int32] = scope.root.slot >= 0 ? [scope.root.slot] : []
        func add(_ node: SourcePlan.Node) -> Int32 {
            var first: Int32 = -1
            for (name, child) in node.children.reversed() {
                let bytes = Array(name.utf8)
                let text = copy(bytes)
                texts.append(text)
                if child.slot >= 0 { slots.append(child.slot) }
                var entry = Name(
                    text: UnsafeBufferPointer(start: text, count: bytes.count), slot: child.slot)
                entry.firstChild = add(child)
                entry.nextSibling = first
                list.append(entry)
                first = Int32(list.count - 1)
            }
            return first
        }
        elementSlot = scope.root.slot
        first = add(scope.root)
        names = copy(list)
        self.texts = texts
        allSlots = slots
    }

    func free() {
        for text in texts { text.deallocate() }
        names.deallocate()
    }

    /// Puts what the scope captures of `element` into the slots.
    func capture(
        _ element: JSONSpan, _ slots: UnsafeMutablePointer<JSONSpan>, _ arena: inout Arena
    ) {
        for slot in allSlots { slots[Int(slot)].kind = .absent }
        if elementSlot >= 0 { slots[Int(elementSlot)] = element }
        if first >= 0, element.kind == .object { members(of: element, first, slots, &arena) }
    }

    private func members(
        of object: JSONSpan, _ first: Int32, _ slots: UnsafeMutablePointer<JSONSpan>,
        _ arena: inout Arena
    ) {
        var cursor = JSONCursor(object)
        while let member = cursor.nextMember() {
            var index = first
            while index >= 0 {
                let name = names[Int(index)]
                if member.name.hasContent(name.text, &arena) {
                    if name.slot >= 0 { slots[Int(name.slot)] = member.value }
                    if name.firstChild >= 0, member.value.kind == .object {
                        members(of: member.value, name.firstChild, slots, &arena)
                    }
                    break
                }
                index = name.nextSibling
            }
        }
    }
}
