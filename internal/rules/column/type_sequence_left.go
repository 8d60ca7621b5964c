package column

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TypeSequenceLeft flags a serial column that becomes bigint while its sequence
// stays an integer. https://www.postgresql.org/docs/current/sql-altersequence.html
var TypeSequenceLeft = &rule.Rule{
	ID:       "column-type-sequence-left",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Later:    true,
	Summary:  "a serial column becomes bigint, its sequence stays an integer",
	Harm: "The sequence of a serial column has a type of its own, which ALTER COLUMN … TYPE leaves alone. " +
		"It ends at 2147483647 as before: nextval fails, and with it every INSERT, although the column has room.",
	Instead: "Change the sequence too, in the same release: ALTER SEQUENCE … AS bigint is instant. An identity column takes its sequence along.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-altersequence.html"},
	Gather:  gatherWidened,
	Release: checkTypeSequenceLeft,
}

// gatherWidened keeps the columns that become bigint, with their sequence.
func gatherWidened(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if d.Kind == catalog.ColumnTypeChanged && d.By != nil && d.New.Sequence != 0 && d.New.Type.Name.Name == "int8" {
				p.KeepValue(rule.MadeObject{By: d.By, Table: d.OID, ID: d.New.Sequence})
			}
		}
	}
}

func checkTypeSequenceLeft(p *rule.Pass, r *rule.Release) {
	for _, object := range rule.KeptValues[rule.MadeObject](p) {
		t, seq := r.Head.Relation(object.Table), r.Head.Relation(object.ID)
		if t == nil || seq == nil || seq.Seq == nil || seq.Seq.Identity || seq.Seq.Type != "int4" && seq.Seq.Type != "int2" {
			continue
		}
		c := t.Attr(seq.Seq.OwnerColumn)
		if c == nil {
			continue
		}
		p.Report(object.By, rule.Report{
			Fact: "column " + c.Name + " of " + t.Name.String() + " becomes bigint, its sequence " + seq.Name.String() + " stays " + map[string]string{
				"int2": "smallint",
				"int4": "integer",
			}[seq.Seq.Type],
			Harm:    "INSERTs fail at the same number as before: nextval: reached maximum value of sequence \"" + seq.Name.Name + "\"",
			Instead: "change the sequence too, which is instant:\nALTER SEQUENCE " + analysis.QuoteTable(seq.Name) + " AS bigint;",
		})
	}
}
