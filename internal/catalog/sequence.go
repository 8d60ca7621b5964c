package catalog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// https://www.postgresql.org/docs/current/sql-createsequence.html
func (f *fold) createSequence(s *pgparse.CreateSeqStmt) {
	oid, name, ok := f.claimName(s.GetSequence(), s.GetIfNotExists(), Sequence)
	if !ok {
		return
	}
	seq := &Relation{OID: oid, Name: name, Kind: Sequence, Persistence: persistenceOf(s.GetSequence()), Seq: &SequenceInfo{Type: "int8"}, Rare: &plain}
	if old := f.Relation(oid); old == nil {
		seq.OID = f.newOID()
	} else if old.Seq != nil {
		seq.Adopted = true
		seq.Seq.OwnerTable, seq.Seq.OwnerColumn = old.Seq.OwnerTable, old.Seq.OwnerColumn
	}
	f.storeRelation(seq)
	f.applySequenceOptions(seq, s.GetOptions())
}

// https://www.postgresql.org/docs/current/sql-altersequence.html
func (f *fold) alterSequence(s *pgparse.AlterSeqStmt) {
	r := f.requireRelation(s.GetSequence(), Sequence, s.GetMissingOk())
	if r == nil {
		return
	}
	r = f.editRelation(r.OID)
	if r.Seq == nil {
		if !r.Inferred {
			f.addProblem(f.isHistoryComplete(), pgerror.NotA, r.Name.Name, "a sequence")
			return
		}
		if len(r.Columns) > 0 || len(r.Constraints) > 0 || len(r.ReferencedBy) > 0 || r.Parent != 0 || len(r.Inherits) > 0 || len(r.Partitions) > 0 ||
			len(r.Children) > 0 {
			return // what has been seen of it is a table's
		}
		f.changeInferredKind(r, Sequence)
	}
	info := *r.Seq
	r.Seq = &info
	f.applySequenceOptions(r, s.GetOptions())
}

func (f *fold) applySequenceOptions(seq *Relation, list []*pgparse.Node) {
	for _, n := range list {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "as":
			seq.Seq.Type = f.TypeOf(d.GetArg().GetTypeName()).Name.Name
		case "owned_by":
			f.setOwnedBy(seq, pgparse.ListItems(d.GetArg()))
		case "increment":
			seq.Seq.Increment = int64(d.GetArg().GetInteger().GetIval())
		}
	}
	seq.Seq.Moved = seq.Seq.Moved || movesSequence(list)
	seq.Seq.Options = mergeSequenceOptions(seq.Seq.Options, list)
}

// optionWords are the SQL keywords of a sequence's stored options.
var optionWords = map[string]string{
	"start":     "START WITH",
	"increment": "INCREMENT BY",
	"minvalue":  "MINVALUE",
	"maxvalue":  "MAXVALUE",
	"cache":     "CACHE",
	"cycle":     "CYCLE",
}

// mergeSequenceOptions are the options of a sequence that had some before.
func mergeSequenceOptions(before []string, list []*pgparse.Node) []string {
	out := before
	for _, n := range list {
		d := n.GetDefElem()
		word := optionWords[d.GetDefname()]
		if word == "" {
			continue
		}
		var text string
		switch arg := d.GetArg().GetNode().(type) {
		case *pgparse.Node_Integer:
			text = word + " " + strconv.Itoa(int(arg.Integer.GetIval()))
		case *pgparse.Node_Float:
			text = word + " " + arg.Float.GetFval()
		case *pgparse.Node_Boolean:
			if arg.Boolean.GetBoolval() {
				text = word
			}
		}
		out = slices.DeleteFunc(slices.Clone(out), func(o string) bool { return o == word || strings.HasPrefix(o, word+" ") })
		if text != "" { // else it is the default again
			out = append(out, text)
		}
	}
	return out
}

// movesSequence reports whether options let a sequence begin, or go on, with another
// number than 1 and what follows.
func movesSequence(options []*pgparse.Node) bool {
	for _, n := range options {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "restart":
			return true
		case "start", "increment", "minvalue":
			if d.GetArg() != nil && d.GetArg().GetInteger().GetIval() != 1 {
				return true
			}
		}
	}
	return false
}

// setOwnedBy applies OWNED BY.
func (f *fold) setOwnedBy(seq *Relation, names []*pgparse.Node) {
	if old := f.Relation(seq.Seq.OwnerTable); old != nil {
		if c := old.Attr(seq.Seq.OwnerColumn); c != nil && c.Sequence == seq.OID {
			f.editRelation(old.OID).editColumn(c.Attnum).Sequence = 0
		}
	}
	seq.Seq.OwnerTable, seq.Seq.OwnerColumn = 0, 0
	if len(names) < 2 {
		return // OWNED BY NONE
	}
	schema, table := pgparse.SchemaAndName(names[:len(names)-1])
	t := f.requireRelationNamed(schema, table, Table, false)
	if t == nil {
		return
	}
	c := f.requireColumn(t.OID, pgparse.LastText(names), false)
	if c == nil {
		return
	}
	if c.Identity == "" { // else it is the identity's
		f.editRelation(t.OID).editColumn(c.Attnum).Sequence = seq.OID
	}
	seq.Seq.OwnerTable, seq.Seq.OwnerColumn = t.OID, c.Attnum
}

// findSequenceIn finds the sequence that an expression takes numbers from and depends
// on: one that is named as a constant of type regclass. What is looked up by a
// text when it runs depends on nothing.
func (f *fold) findSequenceIn(expr *pgparse.Node) OID {
	if expr.GetAConst() != nil || expr.GetSqlvalueFunction() != nil {
		return 0
	}
	var found OID
	pgparse.Walk(expr, func(msg any) bool {
		call, ok := msg.(*pgparse.FuncCall)
		if !ok || found != 0 || pgparse.LastText(call.GetFuncname()) != "nextval" || len(call.GetArgs()) != 1 {
			return found == 0
		}
		arg := call.GetArgs()[0]
		if cast := arg.GetTypeCast(); cast != nil {
			if pgparse.LastText(cast.GetTypeName().GetNames()) != "regclass" {
				return true
			}
			arg = cast.GetArg()
		}
		if seq := f.Lookup(query.SplitName(arg.GetAConst().GetSval().GetSval())); seq != nil && seq.Kind == Sequence {
			found = seq.OID
		}
		return true
	})
	return found
}

// resolveDefaultSequences finds the sequences of defaults that name one which the table
// itself has made.
func (f *fold) resolveDefaultSequences(t *Relation) {
	for _, c := range t.Columns {
		if c.Default == nil || c.Takes != 0 {
			continue
		}
		if seq := f.findSequenceIn(c.Default); seq != 0 {
			t.editColumn(c.Attnum).Takes = seq
		}
	}
}

// isSequenceUsed reports whether a default of a column that does not go too takes numbers
// from a sequence which is another's.
func (f *fold) isSequenceUsed(seq OID, goes func(*Relation, *Column) bool) bool {
	return f.findSequenceUser(seq, goes) != nil
}

// findSequenceUser finds the table of the default that takes numbers from it.
func (f *fold) findSequenceUser(seq OID, goes func(*Relation, *Column) bool) *Relation {
	for _, t := range f.TakersOf(seq) {
		if slices.ContainsFunc(t.Columns, func(c *Column) bool { return c.readsSequence(seq) && !goes(t, c) }) {
			return t
		}
	}
	return nil
}

// removeSequence removes a relation, and when it is a sequence the defaults of
// others that take numbers from it.
func (f *fold) removeSequence(oid OID) {
	if r := f.Relation(oid); r != nil && r.Seq != nil {
		for _, t := range f.TakersOf(oid) {
			t = f.editRelation(t.OID)
			for _, c := range t.Columns {
				if c.readsSequence(oid) {
					e := t.editColumn(c.Attnum)
					e.Default, e.DefaultText, e.Takes = nil, "", 0
				}
			}
		}
	}
	f.removeRelation(oid)
}
