package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// https://www.postgresql.org/docs/current/sql-createsequence.html
func (f *fold) createSequence(s *pgparse.CreateSeqStmt) {
	oid, name, ok := f.vacant(s.GetSequence(), s.GetIfNotExists(), Sequence)
	if !ok {
		return
	}
	seq := &Relation{OID: oid, Name: name, Kind: Sequence, Persistence: persistence(s.GetSequence()), Seq: &SequenceInfo{Type: "int8"}, Rare: &plain}
	if old := f.Relation(oid); old == nil {
		seq.OID = f.newOID()
	} else if old.Seq != nil {
		seq.Adopted = true
		seq.Seq.OwnerTable, seq.Seq.OwnerColumn = old.Seq.OwnerTable, old.Seq.OwnerColumn
	}
	f.put(seq)
	f.sequenceOptions(seq, s.GetOptions())
}

// https://www.postgresql.org/docs/current/sql-altersequence.html
func (f *fold) alterSequence(s *pgparse.AlterSeqStmt) {
	r := f.relation(s.GetSequence(), Sequence, s.GetMissingOk())
	if r == nil {
		return
	}
	r = f.edit(r.OID)
	if r.Seq == nil {
		if !r.Inferred {
			f.fail(f.sure(), "42809", "%q is not a sequence", r.Name.Name)
			return
		}
		r.Kind, r.Seq = Sequence, &SequenceInfo{}
	}
	info := *r.Seq
	r.Seq = &info
	f.sequenceOptions(r, s.GetOptions())
}

func (f *fold) sequenceOptions(seq *Relation, list []*pgparse.Node) {
	for _, n := range list {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "as":
			seq.Seq.Type = f.TypeOf(d.GetArg().GetTypeName()).Name.Name
		case "owned_by":
			f.ownSequence(seq, items(d.GetArg()))
		}
	}
}

// ownSequence is OWNED BY.
func (f *fold) ownSequence(seq *Relation, names []*pgparse.Node) {
	if old := f.Relation(seq.Seq.OwnerTable); old != nil {
		if c := old.Attr(seq.Seq.OwnerColumn); c != nil && c.Sequence == seq.OID {
			f.edit(old.OID).editColumn(c.Attnum).Sequence = 0
		}
	}
	seq.Seq.OwnerTable, seq.Seq.OwnerColumn = 0, 0
	if len(names) < 2 {
		return // OWNED BY NONE
	}
	schema, table := schemaAndName(names[:len(names)-1])
	t := f.relationNamed(schema, table, Table, false)
	if t == nil {
		return
	}
	c := f.column(t.OID, last(names), false)
	if c == nil {
		return
	}
	f.edit(t.OID).editColumn(c.Attnum).Sequence = seq.OID
	seq.Seq.OwnerTable, seq.Seq.OwnerColumn = t.OID, c.Attnum
}
