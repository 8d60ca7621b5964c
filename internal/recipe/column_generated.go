package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnGenerated has a trigger fill a plain column, where no shadow can be made of a table that gets a stored
// generated one: for that each row is written, while nobody may read the table. Where no trigger can fill it,
// the change has no safe form.
// https://www.postgresql.org/docs/current/ddl-generated-columns.html
var columnGenerated = &Recipe{Name: "column-generated", Make: func(c *Change) *Made {
	if !c.generates() || !c.waits() {
		return nil
	}
	m := &Made{}
	switch s := c.Release.shadowOf(c); {
	case s != nil:
		m.Missing = append(m.Missing, s.wrong...)
	case c.Altered().Kind == catalog.PartitionedTable:
		m.missing("%s is partitioned: no table is made in its place", c.Altered().Name)
	}
	f, why := filledOf(c)
	if f != nil {
		f.made(m)
		return m
	}
	stands := asItStands(c)
	stands.Steps[0].Why = "writes the whole table, and everybody waits for it"
	column := c.Command.GetName()
	if def := c.Command.Def.GetColumnDef(); def != nil {
		column = def.Colname
	}
	stands.Missing = m.Missing
	stands.missing("%s of %s is generated and stored: the server writes each row at once, and takes no column for it that was filled before. The least bad way is a plain column that a trigger fills, "+
		"with a backfill behind it, which is not planned, as %s; from Postgres 18 on VIRTUAL writes nothing; else a moment when everybody may wait", column, c.Altered().Name, why)
	return stands
}}

// generates reports whether a change adds a stored generated column, or gives one another expression, and
// each row is written for it.
func (c *Change) generates() bool {
	switch c.subtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		stored := slices.ContainsFunc(c.Command.Def.GetColumnDef().GetConstraints(), func(n *pgparse.Node) bool {
			return n.GetConstraint().GetContype() == pgparse.ConstrType_CONSTR_GENERATED
		})
		return stored && c.rewrites()
	case pgparse.AlterTableType_AT_SetExpression:
		return c.rewrites()
	}
	return false
}

// generated finds the tables that get a stored generated column: a shadow that has it takes the place of
// each, where the table is not small.
func (r *Release) generated() {
	for _, c := range r.changes {
		if !c.generates() || !c.waits() || c.fresh() || r.shadowOf(c) != nil {
			continue
		}
		t, head := r.Deployed.Relation(c.Altered().OID), r.head.Relation(c.Altered().OID)
		if t == nil || head == nil || t.Kind != catalog.Table {
			continue
		}
		s := &shadow{release: r, t: t, head: head, inPlace: true, phase: onward.Backfill, why: "both names change in one transaction: what was begun before is through, and what comes finds the table with its new column"}
		s.members()
		s.fresh, s.aside = r.unique(t.Name.Name, "onward", ""), r.unique(t.Name.Name, "was", "")
		if t.Name != head.Name {
			s.not("%s gets another name, and is written anew, in one release: a release for each is planned", t.Name)
		}
		s.goesAlong()
		s.to = s.from
		for _, col := range t.Columns {
			if col.Generated == "" {
				s.columns = append(s.columns, col.Name)
			}
		}
		s.like()
		s.inTheWay()
		r.shadows = append(r.shadows, s)
	}
}

// like are what makes the shadow: a table like the other one, on which the commands of the release work in
// an instant, for it is empty.
func (s *shadow) like() {
	shadow, r := s.under(s.fresh), s.release
	sql := "CREATE TABLE " + name(shadow) + " (LIKE " + name(s.t) + " INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY EXCLUDING STATISTICS)"
	if with := options(s.t); with != "" {
		sql += " WITH (" + with + ")"
	}
	if s.t.AccessMethod != "" || s.t.Tablespace != "" {
		s.not("%s has an access method or a tablespace of its own", s.t.Name)
	}
	s.make = []string{sql}
	for _, c := range s.changes {
		if c.generates() {
			s.make = append(s.make, "ALTER TABLE "+name(shadow)+" "+c.Text)
		}
	}
	for _, x := range r.head.IndexesOf(s.head) {
		if x.Index != nil && x.Index.Unique && r.Deployed.Relation(x.OID) == nil {
			s.not("%s is to be unique in a way that the deployed table is not (%s): that comes behind, in a release of its own", s.t.Name, x.Name.Name)
		}
	}
	for _, col := range s.head.Columns {
		if col.Comment != "" && s.t.Column(col.Name) == nil {
			s.make = append(s.make, "COMMENT ON COLUMN "+name(shadow)+"."+quote(col.Name)+" IS "+pgparse.QuoteLiteral(col.Comment))
		}
	}
	s.indexed()
	s.foreign()
	s.allowed()
}

// adds reports whether a shadow's own table can be made with what a command of the release does to it.
func (s *shadow) adds(c *Change) bool {
	switch c.subtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		return c.generates() && !slices.ContainsFunc(c.Command.Def.GetColumnDef().GetConstraints(), func(n *pgparse.Node) bool {
			typ := n.GetConstraint().GetContype()
			return typ != pgparse.ConstrType_CONSTR_GENERATED && typ != pgparse.ConstrType_CONSTR_NOTNULL
		})
	case pgparse.AlterTableType_AT_SetExpression:
		return c.generates()
	case pgparse.AlterTableType_AT_AddConstraint:
		kind := c.Command.Def.GetConstraint().GetContype()
		return kind == pgparse.ConstrType_CONSTR_CHECK || kind == pgparse.ConstrType_CONSTR_FOREIGN
	case pgparse.AlterTableType_AT_ReplicaIdentity, pgparse.AlterTableType_AT_ChangeOwner:
		return true
	}
	return false
}
