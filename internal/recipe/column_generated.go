package recipe

import (
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnGenerated says of a stored generated column that it has no safe form: each row is written
// for it, while nobody may read the table.
// https://www.postgresql.org/docs/current/ddl-generated-columns.html
var columnGenerated = &Recipe{Name: "column-generated", Make: func(c *Change) *Made {
	if c.Command == nil || c.Command.Subtype != pgparse.AlterTableType_AT_AddColumn {
		return nil
	}
	def := c.Command.Def.GetColumnDef()
	stored := false
	for _, n := range def.GetConstraints() {
		con := n.GetConstraint()
		stored = stored || con.GetContype() == pgparse.ConstrType_CONSTR_GENERATED
	}
	if !stored || !c.rewrites() {
		return nil
	}
	m := asItStands(c)
	m.Steps[0].Why = "writes the whole table, and everybody waits for it"
	m.missing("%s of %s is generated and stored: the server writes each row at once, and takes no column for it that was filled before. The least bad way is a plain column that a trigger fills, "+
		"with a backfill behind it (code can then write it, too); from Postgres 18 on VIRTUAL writes nothing; else a moment when everybody may wait", def.GetColname(), c.Altered().Name)
	return m
}}
