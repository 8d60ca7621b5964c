package relation

import (
	"fmt"
	"math"
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// SequenceNarrowed flags an existing sequence that ends sooner, or counts in smaller steps.
// https://www.postgresql.org/docs/current/sql-altersequence.html
var SequenceNarrowed = &rule.Rule{
	ID:       "sequence-narrowed",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "an existing sequence ends sooner, counts backwards, or in smaller steps",
	Harm: "The change takes effect at once, for all sessions. Behind its last number nextval() fails, and with it each INSERT. " +
		"Backwards it gives the numbers again that the rows have. Code that takes numbers in blocks (Hibernate's allocationSize) counts on the step: " +
		"with a smaller one it uses numbers that others are given too.",
	Instead:   "Leave the end where the type of the column has it; make the step smaller when no code runs any more that counts on the greater one.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altersequence.html"},
	Kinds:     rule.AlterTable | rule.Another,
	Statement: checkNarrowed,
}

func checkNarrowed(p *rule.Pass, s *rule.Stmt) {
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.AlterSeqStmt:
		if seq, ok := s.Before.Resolve(x.GetSequence()); ok {
			judgeNarrowing(p, s, seq, x.GetOptions())
		}
	case *pgparse.AlterTableStmt:
		for _, c := range p.ListCommands(s) {
			if c.Subtype != pgparse.AlterTableType_AT_SetIdentity {
				continue
			}
			if col := s.AlteredRelation().Column(c.Name); col != nil && col.Sequence != 0 {
				judgeNarrowing(p, s, s.Before.Relation(col.Sequence), c.Def.GetList().GetItems())
			}
		}
	}
}

// widths are the last numbers of the types.
var widths = map[string]int64{"int2": math.MaxInt16, "int4": math.MaxInt32, "int8": math.MaxInt64}

// judgeNarrowing judges what the options change of a sequence.
func judgeNarrowing(p *rule.Pass, s *rule.Stmt, seq *catalog.Relation, options []*pgparse.Node) {
	if seq == nil || seq.Seq == nil || !p.InUse(seq) {
		return
	}
	now := s.After.Relation(seq.OID)
	if now == nil || now.Seq == nil {
		return
	}
	name := seq.Name.String()
	r := rule.Report{Severity: onward.Warning, Instead: "leave it as it is"}
	end := int64(0)
	for _, o := range options {
		d := o.GetDefElem()
		n, known := parseOptionNumber(d.GetArg())
		switch {
		case d.GetDefname() == "increment" && known && n < 0 && seq.Seq.Step() > 0 && !seq.Inferred:
			r.Fact = "sequence " + name + " counts backwards"
			r.Harm = "the next number is the one before the last: INSERTs get numbers that rows have"
			r.Severity = onward.Off
		case d.GetDefname() == "increment" && known && n > 0 && n < seq.Seq.Step():
			r.Fact = fmt.Sprintf("sequence %s counts by %d (it was %d)", name, n, seq.Seq.Step())
			r.Harm = "deployed code that takes numbers in blocks of " + strconv.FormatInt(seq.Seq.Step(), 10) +
				" uses numbers that others are given too: duplicate key value violates unique constraint"
			r.Instead = "release the code that takes one number at a time first, and change the step a release later"
		case d.GetDefname() == "maxvalue" && known && n > 0:
			end = n
		case d.GetDefname() == "as" && end == 0 && widths[now.Seq.Type] < widths[seq.Seq.Type] && !seq.Inferred:
			end = widths[now.Seq.Type]
		}
	}
	// A limit that the column has anyway is no loss, and nobody comes near a larger one.
	if r.Fact == "" && end > 0 && end < min(largestNumber(s.Before, seq), math.MaxInt32) ||
		r.Fact == "" && end == math.MaxInt32 && largestNumber(s.Before, seq) > end {
		r.Fact = fmt.Sprintf("sequence %s ends at %d", name, end)
		r.Harm = "after that number each INSERT that needs one from it fails: nextval: reached maximum value of sequence \"" + seq.Name.Name + "\""
	}
	if r.Fact != "" {
		p.Report(s, r)
	}
}

// largestNumber is the greatest number that the column of a sequence holds.
func largestNumber(c *catalog.Catalog, seq *catalog.Relation) int64 {
	if t := c.Relation(seq.Seq.OwnerTable); t != nil {
		if col := t.Attr(seq.Seq.OwnerColumn); col != nil && widths[col.Type.Name.Name] > 0 {
			return widths[col.Type.Name.Name]
		}
	}
	if seq.Inferred {
		return math.MaxInt32
	}
	return widths[seq.Seq.Type]
}

// parseOptionNumber returns the number of an option.
func parseOptionNumber(n *pgparse.Node) (int64, bool) {
	if i := n.GetInteger(); i != nil {
		return int64(i.GetIval()), true
	}
	if f := n.GetFloat(); f != nil {
		v, err := strconv.ParseInt(f.GetFval(), 10, 64)
		return v, err == nil
	}
	return 0, false
}
