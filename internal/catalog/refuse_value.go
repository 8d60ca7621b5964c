package catalog

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkDefaults checks the constants that a CREATE TABLE gives its columns as
// default: the server reads them when the table is made.
func (k *checker) checkDefaults(s *pgparse.CreateStmt) {
	for _, n := range s.GetTableElts() {
		if d := n.GetColumnDef(); d != nil {
			k.checkDefault(d, false)
		}
	}
}

// checkDefault checks the default of a new column. ADD COLUMN computes it for the existing
// rows, so the server also refuses a value that is too long or out of range.
func (k *checker) checkDefault(d *pgparse.ColumnDef, computed bool) {
	for _, n := range d.GetConstraints() {
		if c := n.GetConstraint(); c.GetContype() == pgparse.ConstrType_CONSTR_DEFAULT && serialBase(d.GetTypeName()) == "" {
			k.checkValue(clipName(d.GetColname()), k.c.TypeOf(d.GetTypeName()), c.GetRawExpr(), "default expression", computed)
		}
	}
}

// checkValue checks a constant that a column gets. computed says that the server
// computes it now, and not only when a row needs it.
func (k *checker) checkValue(column string, t Type, n *pgparse.Node, source string, computed bool) {
	if k.problem != nil || n == nil {
		return
	}
	if cast := n.GetTypeCast(); cast != nil {
		// A literal of a type of its own.
		if con := cast.GetArg().GetAConst(); con != nil {
			if s, ok := con.GetVal().(*pgparse.A_Const_Sval); ok {
				k.checkLiteral(k.c.TypeOf(cast.GetTypeName()), s.Sval.GetSval(), false)
			}
		}
		return
	}
	if k.isText(n) {
		k.checkAssignmentCast(column, t, "text", source)
		return
	}
	con := n.GetAConst()
	if con == nil || con.GetIsnull() {
		return
	}
	switch v := con.GetVal().(type) {
	case *pgparse.A_Const_Sval:
		k.checkLiteral(t, v.Sval.GetSval(), computed)
	case *pgparse.A_Const_Boolval:
		k.checkAssignmentCast(column, t, "boolean", source)
	case *pgparse.A_Const_Ival:
		k.checkAssignmentCast(column, t, "integer", source)
		k.checkIntegerRange(t, itoa(int(v.Ival.GetIval())), computed)
	case *pgparse.A_Const_Fval:
		text := v.Fval.GetFval()
		if number, ok := new(big.Int).SetString(text, 10); ok && number.IsInt64() {
			k.checkAssignmentCast(column, t, "bigint", source)
			k.checkIntegerRange(t, text, computed)
		} else {
			k.checkAssignmentCast(column, t, "numeric", source)
		}
	}
}

// isText reports whether an expression is certain to be of type text: a function
// of the server that gives text and has no other form, over a cast to text where
// it has.
func (k *checker) isText(n *pgparse.Node) bool {
	f := n.GetFuncCall()
	if f == nil || len(f.GetFuncname()) != 1 || len(f.GetArgs()) == 0 {
		return false
	}
	switch pgparse.StringText(f.GetFuncname()[0]) {
	case "initcap", "replace", "md5", "translate", "regexp_replace":
		return !k.mayBeFunctionCall(pgparse.StringText(f.GetFuncname()[0]))
	case "lower", "upper": // of a range, too
		arg := f.GetArgs()[0]
		return k.isText(arg) || pgparse.LastText(arg.GetTypeCast().GetTypeName().GetNames()) == "text" && len(arg.GetTypeCast().GetTypeName().GetArrayBounds()) == 0
	}
	return false
}

// noNumber are the built-in types that no number becomes by itself.
var noNumber = []string{"bool", "uuid", "json", "jsonb", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "bytea", "inet", "cidr", "xml"}

// integers are the built-in types of numbers, with the bounds of the integers.
var integers = map[string]struct {
	name string
	bits uint
}{"int2": {"smallint", 16}, "int4": {"integer", 32}, "int8": {"bigint", 64}}

// checkAssignmentCast checks that a constant of a type may be written to a column, by the
// casts that the server has.
func (k *checker) checkAssignmentCast(column string, t Type, from, source string) {
	var refused bool
	switch u := k.c.Type(t.OID); {
	case !t.IsKnown() || t.OID != 0 && (u == nil || u.Inferred || u.Kind != Enum):
		return
	case t.Array > 0, t.OID != 0:
		refused = true
	case t.Name.Schema != "pg_catalog":
		return
	case from == "text":
		refused = slices.Contains(noNumber, t.Name.Name) || integers[t.Name.Name].bits > 0 || slices.Contains([]string{"numeric", "float4", "float8"}, t.Name.Name)
	case from == "boolean":
		refused = t.Name.Name != "bool" && slices.Contains(noNumber, t.Name.Name) || integers[t.Name.Name].bits > 0 ||
			slices.Contains([]string{"numeric", "float4", "float8"}, t.Name.Name)
	default:
		refused = slices.Contains(noNumber, t.Name.Name)
	}
	if refused {
		k.recordProblem(pgerror.ValueType, column, formatType(t), source, from)
	}
}

// checkIntegerRange checks that an integer fits.
func (k *checker) checkIntegerRange(t Type, text string, computed bool) {
	i, ok := integers[t.Name.Name]
	if !computed || !ok || t.OID != 0 || t.Array > 0 || k.problem != nil {
		return
	}
	if n, ok := new(big.Int).SetString(text, 10); ok && !fitsBits(n, i.bits) {
		k.recordProblem(pgerror.ValueRange, i.name)
	}
}

// fitsBits reports whether a number is one of so many bits, with a sign.
func fitsBits(n *big.Int, bits uint) bool {
	limit := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Cmp(limit) < 0 && n.Cmp(new(big.Int).Neg(limit)) >= 0
}

var (
	decimal = lazyregexp.New(`^[+-]?[0-9]+$`)
	// other are the ways to write an integer that 16 has.
	other    = lazyregexp.New(`^[+-]?(0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*)$`)
	uuidForm = lazyregexp.New(`^\{?([0-9a-fA-F]{4}-?){7}[0-9a-fA-F]{4}\}?$`)
)

// space is what isspace() skips.
const space = " \t\n\v\f\r"

// checkLiteral checks a quoted constant, which is read as the type that it is for.
func (k *checker) checkLiteral(t Type, text string, computed bool) {
	trimmed := strings.Trim(text, space)
	if u := k.c.Type(t.OID); u != nil && t.Array == 0 {
		if u.Kind == Enum && !u.Inferred && k.c.isHistoryComplete() && !slices.Contains(u.Labels, text) {
			k.recordProblem(pgerror.ValueLabel, u.Name.Name, text)
		}
		return
	}
	if t.Array > 0 {
		if !strings.Contains(text, "{") && t.IsKnown() {
			k.recordProblem(pgerror.ValueArray, text)
		}
		return
	}
	if t.Name.Schema != "pg_catalog" {
		return
	}
	bad := false
	switch name := t.Name.Name; name {
	case "bool":
		bad = !isBoolText(strings.ToLower(trimmed))
	case "int2", "int4", "int8":
		if n, ok := new(big.Int).SetString(strings.TrimPrefix(trimmed, "+"), 10); ok && decimal.MatchString(trimmed) && !fitsBits(n, integers[name].bits) {
			k.recordProblem(pgerror.ValueRangeText, text, formatType(t))
			return
		}
		bad = !other.MatchString(trimmed)
	case "numeric", "float4", "float8":
		bad = !strings.ContainsAny(text, "0123456789") && !strings.Contains(strings.ToLower(text), "nan") && !strings.Contains(strings.ToLower(text), "inf")
	case "uuid":
		bad = !uuidForm.MatchString(text)
	case "json", "jsonb":
		if !json.Valid([]byte(text)) {
			k.recordProblem(pgerror.ValueJSON)
		}
		return
	case "date", "time", "timetz", "timestamp", "timestamptz", "interval":
		if trimmed == "" {
			k.recordProblem(pgerror.ValueDate, formatType(Type{Name: t.Name}), text)
		} else if strings.HasPrefix(trimmed, "0000-00-00") && name != "interval" {
			k.recordProblem(pgerror.ValueDateRange, text)
		}
		return
	case "varchar", "bpchar":
		if computed && len(t.Mods) == 1 && utf8.RuneCountInString(strings.TrimRight(text, " ")) > int(t.Mods[0]) {
			k.recordProblem(pgerror.ValueTooLong, formatType(t))
		}
		return
	}
	if bad {
		k.recordProblem(pgerror.ValueSyntax, formatType(Type{Name: t.Name}), text)
	}
}

// longNames are the types that the server's messages call by another name.
var longNames = map[string]string{
	"varchar": "character varying", "bpchar": "character", "time": "time without time zone", "timetz": "time with time zone",
	"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone", "float4": "real", "float8": "double precision",
}

// formatType is format_type: a type as the server's messages call it.
func formatType(t Type) string {
	if long := longNames[t.Name.Name]; long != "" && t.OID == 0 && t.Array == 0 && len(t.Mods) < 2 {
		if len(t.Mods) == 1 {
			base, rest, _ := strings.Cut(long, " with")
			long = base + "(" + itoa(int(t.Mods[0])) + ")"
			if rest != "" {
				long += " with" + rest
			}
		}
		return long
	}
	return t.String()
}

// isBoolText is parse_bool: what the server takes for a boolean, in lower case.
func isBoolText(s string) bool {
	if s == "1" || s == "0" || s == "on" || s == "off" || s == "of" {
		return true
	}
	return s != "" && (strings.HasPrefix("true", s) || strings.HasPrefix("false", s) || strings.HasPrefix("yes", s) || strings.HasPrefix("no", s))
}

// checkInsertedValues checks what an INSERT gives its columns: constants that they cannot
// take, and values for those that are computed.
func (k *checker) checkInsertedValues(t *Relation, s *pgparse.InsertStmt, sel *pgparse.SelectStmt) {
	if t == nil || len(t.Rules) > 0 || !t.Kind.IsTable() || sel.GetOp() > pgparse.SetOperation_SETOP_NONE || len(sel.GetDistinctClause()) > 0 {
		return
	}
	rows := sel.GetValuesLists()
	if len(rows) == 0 {
		columns := k.listReceivers(t, s, len(sel.GetTargetList()))
		for i, n := range sel.GetTargetList() {
			if n = n.GetResTarget().GetVal(); pgparse.IsExpanding(n) {
				return
			}
			k.checkInsertedValue(columns[i], s, n, t.Kind == Table)
		}
		return
	}
	columns := k.listReceivers(t, s, len(pgparse.ListItems(rows[0])))
	for _, row := range rows {
		list := pgparse.ListItems(row)
		if slices.ContainsFunc(list, pgparse.IsExpanding) || len(list) != len(columns) {
			return
		}
		for i, n := range list {
			k.checkInsertedValue(columns[i], s, n, t.Kind == Table)
		}
	}
}

// listReceivers returns the columns that receive the values of an INSERT; nil for a column
// that is not known, or of which only a part is written.
func (k *checker) listReceivers(t *Relation, s *pgparse.InsertStmt, values int) []*Column {
	out := make([]*Column, values)
	for i := range out {
		switch {
		case len(s.GetCols()) == 0 && k.isFullyKnown(t) && i < len(t.Columns):
			out[i] = t.Columns[i]
		case i < len(s.GetCols()) && len(s.GetCols()[i].GetResTarget().GetIndirection()) == 0:
			out[i] = t.Column(clipName(s.GetCols()[i].GetResTarget().GetName()))
		}
	}
	return out
}

// checkInsertedValue checks one value of an INSERT.
func (k *checker) checkInsertedValue(c *Column, s *pgparse.InsertStmt, n *pgparse.Node, computed bool) {
	switch {
	case c == nil || c.Inferred || k.problem != nil || n.GetSetToDefault() != nil:
	case c.Generated != "", c.Identity == "always" && s.GetOverride() <= pgparse.OverridingKind_OVERRIDING_NOT_SET:
		k.recordProblem(pgerror.AlwaysGenerated, c.Name)
	default:
		k.checkValue(c.Name, c.Type, n, "expression", computed)
	}
}

// checkSetValues checks what an UPDATE sets, as checkInsertedValues does for an INSERT.
func (k *checker) checkSetValues(t *Relation, list []*pgparse.Node) {
	if t == nil || len(t.Rules) > 0 || !t.Kind.IsTable() {
		return
	}
	for _, n := range list {
		r := n.GetResTarget()
		c := t.Column(clipName(r.GetName()))
		if c == nil || len(r.GetIndirection()) > 0 || r.GetVal().GetSetToDefault() != nil || r.GetVal().GetMultiAssignRef() != nil {
			continue
		}
		if !c.Inferred && (c.Generated != "" || c.Identity == "always") {
			k.recordProblem(pgerror.OnlyDefault, c.Name)
			return
		}
		k.checkValue(c.Name, c.Type, r.GetVal(), "expression", t.Kind == Table)
	}
}

// checkNewDefault checks the default that an ALTER TABLE gives a column.
func (k *checker) checkNewDefault(s *pgparse.AlterTableStmt, cmd *pgparse.AlterTableCmd) {
	def := cmd.GetDef().GetColumnDef()
	adds := cmd.GetSubtype() == pgparse.AlterTableType_AT_AddColumn && def != nil && !cmd.GetMissingOk()
	if !adds && (cmd.GetSubtype() != pgparse.AlterTableType_AT_ColumnDefault || cmd.GetDef() == nil) {
		return
	}
	schema, name := pgparse.RangeName(s.GetRelation())
	if schema == "" && !k.hasPublicSearchPath() {
		return
	}
	r := k.c.findRelation(schema, name)
	if adds {
		k.checkDefault(def, r != nil && r.Kind == Table)
	} else if r != nil && r.Kind.IsTable() {
		if c := r.Column(clipName(cmd.GetName())); c != nil && !c.Inferred {
			k.checkValue(c.Name, c.Type, cmd.GetDef(), "default expression", false)
		}
	}
}
