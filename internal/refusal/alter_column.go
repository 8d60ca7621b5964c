package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkColumnDefault checks SET DEFAULT and DROP DEFAULT.
func (a *Alteration) checkColumnDefault(cmd *pgparse.AlterTableCmd) {
	a.refuseNewerSyntax(cmd.GetDef())
	col, known := a.FindColumn(a.Rel, cmd.GetName())
	switch {
	case col == nil:
	case col.Identity != "" && known:
		a.RecordRefusal(pgerror.IdentityIs, col.Name, a.Rel.Name.Name)
	case col.Generated != "" && known:
		a.RecordRefusal(pgerror.GeneratedIs, col.Name, a.Rel.Name.Name)
	}
}

// checkSetExpression checks ALTER COLUMN … SET EXPRESSION (17).
func (a *Alteration) checkSetExpression(name string, expr *pgparse.Node) {
	if !a.V.AtLeast(17) {
		a.RecordRefusal(pgerror.SyntaxAt, "EXPRESSION")
		return
	}
	if !a.mayIndex(expr, a.typeOfColumn) {
		a.RecordRefusal(pgerror.GenerationMutable)
		return
	}
	for _, rel := range a.C.ListTree(a.Rel, a.Recurse) {
		col, known := a.FindColumn(rel, name)
		switch {
		case col == nil || !known:
		case col.Generated == "virtual" && hasCheck(rel) && !a.V.AtLeast(19):
			a.RecordRefusal(pgerror.VirtualChecked)
		case col.Generated == "virtual" && a.isPublished(rel):
			a.RecordRefusal(pgerror.VirtualPublished)
		case col.Generated == "":
			a.RecordRefusal(pgerror.GeneratedNot, name, rel.Name.Name)
		}
	}
}

func hasCheck(rel *catalog.Relation) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.Check {
			return true
		}
	}
	return false
}

func (a *Alteration) checkDropExpression(cmd *pgparse.AlterTableCmd) {
	col, known := a.FindColumn(a.Rel, cmd.GetName())
	switch {
	case col == nil || !known:
	case col.Generated == "virtual":
		a.RecordRefusal(pgerror.VirtualDropExpression)
	case col.Generated == "" && !cmd.GetMissingOk():
		a.RecordRefusal(pgerror.GeneratedNot, cmd.GetName(), a.Rel.Name.Name)
	}
}

// SharesIdentity reports whether a column of a partition takes its numbers from
// the sequence of its parent's.
func (a *Alteration) SharesIdentity(col *catalog.Column) bool {
	parent := a.C.Relation(a.Rel.Parent)
	if parent == nil || col == nil || col.Identity == "" {
		return false
	}
	parentColumn := parent.Column(col.Name)
	return parentColumn != nil && parentColumn.Identity != "" && (col.Sequence == 0 || col.Sequence == parentColumn.Sequence)
}

// checkAddIdentity checks ADD GENERATED … AS IDENTITY.
func (a *Alteration) checkAddIdentity(name string) {
	if a.Rel.Parent != 0 && a.V.AtLeast(17) {
		a.RecordRefusal(pgerror.IdentityToPartition)
		return
	}
	switch col, known := a.FindColumn(a.Rel, name); {
	case !known || col == nil:
	case !col.NotNull:
		a.RecordRefusal(pgerror.IdentityNullable, name, a.Rel.Name.Name)
	case col.Identity == "" && col.Generated == "" && col.Default != nil:
		a.RecordRefusal(pgerror.IdentityDefault, name, a.Rel.Name.Name)
	}
}

// checkChangeIdentity checks SET GENERATED, with the sequence's options beside it, and
// DROP IDENTITY.
func (a *Alteration) checkChangeIdentity(cmd *pgparse.AlterTableCmd) {
	col, known := a.FindColumn(a.Rel, cmd.GetName())
	drop := cmd.GetSubtype() == pgparse.AlterTableType_AT_DropIdentity
	not := func() {
		if !cmd.GetMissingOk() {
			a.RecordRefusal(pgerror.IdentityNot, cmd.GetName(), a.Rel.Name.Name)
		}
	}
	switch {
	case a.SharesIdentity(col) && !a.V.AtLeast(17): // no partition's column was one
		not()
	case a.SharesIdentity(col) && drop:
		a.RecordRefusal(pgerror.IdentityFromPartition)
	case a.SharesIdentity(col):
		a.RecordRefusal(pgerror.IdentityOfPartition)
	case !known || col == nil:
	case col.Identity == "":
		not()
	}
}

// fixed are the built-in types that are stored in place, whatever they hold.
var fixed = []string{
	"bool", "char", "int2", "int4", "int8", "oid", "float4", "float8", "money", "name", "uuid",
	"date", "time", "timetz", "timestamp", "timestamptz", "interval", "macaddr", "macaddr8", "pg_lsn", "xid", "xid8", "cid", "tid",
	"point", "line", "lseg", "box", "circle", "regclass", "regtype", "regproc", "regprocedure", "regrole", "regnamespace",
}

// hasPlainStorage reports whether the values of a type are never compressed nor moved
// out of line.
func (q *Checker) hasPlainStorage(t catalog.Type) bool {
	t = q.BaseType(t)
	if t.Array > 0 {
		return false
	}
	if u := q.C.Type(t.OID); u != nil {
		return u.Kind == catalog.Enum
	}
	return t.Name.Schema == "pg_catalog" && contains(fixed, t.Name.Name)
}

// checkSetStorage checks SET STORAGE and SET COMPRESSION.
func (a *Alteration) checkSetStorage(cmd *pgparse.AlterTableCmd) {
	word := strings.ToLower(pgparse.StringText(cmd.GetDef()))
	compression := cmd.GetSubtype() == pgparse.AlterTableType_AT_SetCompression
	if !compression && word == "default" && !a.V.AtLeast(16) {
		a.RecordRefusal(pgerror.SyntaxAt, "DEFAULT")
		return
	}
	col, _ := a.FindColumn(a.Rel, cmd.GetName())
	if col == nil || col.Inferred || !a.hasPlainStorage(col.Type) {
		return
	}
	switch {
	case compression && word != "default":
		a.RecordRefusal(pgerror.ColumnCompression, col.Type.String())
	case !compression && word != "plain" && word != "default":
		a.RecordRefusal(pgerror.ColumnStorage, col.Type.String())
	}
}

// checkSetStatistics checks SET STATISTICS.
func (a *Alteration) checkSetStatistics(cmd *pgparse.AlterTableCmd) {
	if cmd.GetDef() == nil && !a.V.AtLeast(17) {
		a.RecordRefusal(pgerror.SyntaxAt, "DEFAULT")
		return
	}
	if a.Rel.Kind != catalog.Index && a.Rel.Kind != catalog.PartitionedIndex || a.Rel.Index == nil {
		return
	}
	n := int(cmd.GetNum())
	if keys := a.Rel.Index.Keys; n >= 1 && n <= len(keys) && keys[n-1].Column != 0 && n <= len(a.Rel.Index.Names) {
		a.RecordRefusal(pgerror.StatisticsPlain, a.Rel.Index.Names[n-1], a.Rel.Name.Name)
	}
}
