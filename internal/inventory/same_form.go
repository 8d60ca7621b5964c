package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// comparedForms are the kinds of objects that a plan creates again under another name, and then renames.
var comparedForms = []string{"index", "check", "primary key", "unique constraint", "exclusion constraint", "foreign key"}

// hasComparedForm reports whether an entry's form is compared with its successor's: unless the release itself changes it.
func (c *Comparison) hasComparedForm(e *Entry) bool {
	return slices.Contains(comparedForms, e.Kind) && !strings.Contains(e.Name, " of ") && !c.isFormSet(e)
}

// isFormSet reports whether the release itself changes the form of an entry's object.
func (c *Comparison) isFormSet(e *Entry) bool {
	return slices.Contains(c.Replaced.Sets, onward.FormOf+bareName(e.Name))
}

// findSuccessor returns the entry of the object that will get an entry's name; nil if it does not exist yet. A step renames it, or makes a key of an
// index, or it has the name already on a table that replaces the old one.
func (c *Comparison) findSuccessor(e *Entry) *Entry {
	if !c.hasComparedForm(e) {
		return nil
	}
	names, list := []string{c.Own.former[bareName(e.Name)]}, c.Old
	if !c.replacesColumn() {
		names, list = append(names, bareName(e.Name)), c.New
	}
	kinds := []string{e.Kind}
	if e.keyIndex() != nil {
		kinds = append(kinds, "index")
	}
	for i := range list {
		if slices.Contains(kinds, list[i].Kind) && slices.Contains(names, bareName(list[i].Name)) {
			return &list[i]
		}
	}
	return nil
}

// hasSameForm reports whether the successor of an entry has its form and its properties. The plan may have given it another type, so casts do not
// count, and a literal may be longer.
func (c *Comparison) hasSameForm(e, successor *Entry) bool {
	if index := e.keyIndex(); index != nil && successor.Kind == "index" {
		return c.findDeferrable(e) == c.Own.deferrable[constraintName{bareName(c.Replaced.Old), bareName(e.Name)}] && c.hasSameKeyIndex(index, successor)
	}
	if _, isKey := splitKey(e); isKey {
		return c.hasSameKeyForm(e, successor)
	}
	form, properties, _ := strings.Cut(c.renameParts(e.Definition, e.Name, successor.Name), "; ")
	other, otherProperties, _ := strings.Cut(c.renameParts(successor.Definition, "", ""), "; ")
	known := slices.Concat(strings.Split(otherProperties, "; "), c.Own.marks[bareName(e.Name)])
	for property := range strings.SplitSeq(properties, "; ") {
		if property != "" && !slices.Contains(known, property) {
			return false
		}
	}
	return c.hasSameTokens(form, other)
}

// hasSameKeyForm is [Comparison.hasSameForm] for a key. The release may have changed its columns, and a foreign key may reference a table that is replaced,
// too: then only the plan knows the form.
func (c *Comparison) hasSameKeyForm(e, successor *Entry) bool {
	renamed := Entry{Kind: e.Kind, Definition: c.renameParts(e.Definition, e.Name, successor.Name)}
	other := Entry{Kind: e.Kind, Definition: c.renameParts(successor.Definition, "", "")}
	key, _ := splitKey(&renamed)
	otherKey, _ := splitKey(&other)
	if !c.hasSameTokens(key[0], otherKey[0]) {
		return true
	}
	if form, altered := c.Own.deferrable[constraintName{bareName(c.Replaced.Old), bareName(e.Name)}]; altered {
		otherKey[1] = strings.TrimSuffix(strings.TrimSuffix(otherKey[1], deferredEnd), deferrableEnd) + form
	}
	return c.hasSameTokens(key[1], otherKey[1])
}

// keyIndex returns the index of a primary key or a unique constraint as an entry of its own; nil for another entry.
func (e *Entry) keyIndex() *Entry {
	start := strings.Index(e.Definition, "CREATE UNIQUE INDEX ")
	if start < 0 || !keyKinds[e.Kind] {
		return nil
	}
	return &Entry{Kind: "index", Name: e.Name, Definition: e.Definition[start:]}
}

// findDeferrable returns the deferrability of a key, as [OwnObjects] has it.
func (c *Comparison) findDeferrable(e *Entry) string {
	constraint, _, _ := strings.Cut(e.Definition, "; ")
	for _, form := range []string{deferrableEnd, deferredEnd} {
		if strings.HasSuffix(constraint, form) {
			return form
		}
	}
	return ""
}

// hasSameKeyIndex reports whether the index of a key and the one that becomes the key have the same settings and properties, if their columns are the
// same: see [Comparison.hasSameKeyForm].
func (c *Comparison) hasSameKeyIndex(index, successor *Entry) bool {
	columns, rest, _ := strings.Cut(c.renameParts(index.Definition, index.Name, successor.Name), ")")
	otherColumns, otherRest, _ := strings.Cut(c.renameParts(successor.Definition, "", ""), ")")
	for _, mark := range c.Own.marks[bareName(index.Name)] {
		rest = strings.Replace(rest, ", "+mark, "", 1)
	}
	return !c.hasSameTokens(columns, otherColumns) || c.hasSameTokens(rest, strings.ReplaceAll(otherRest, "; ", ", "))
}

// splitKey splits the definition of a key into its columns and the rest: deferrability and actions, the properties of the index.
func splitKey(e *Entry) (parts [2]string, isKey bool) {
	lists := map[string]int{"primary key": 1, "unique constraint": 1, "foreign key": 2}[e.Kind]
	if lists == 0 {
		return parts, false
	}
	columns, rest, _ := strings.Cut(e.Definition, ")")
	if lists == 2 {
		_, rest, _ = strings.Cut(rest, ")")
	}
	rest = strings.Replace(rest, " ON ONLY ", " ON ", 1) // of a partitioned table
	return [2]string{columns, strings.Replace(rest, " NOT VALID", "", 1)}, true
}

// hasSameTokens compares forms.
func (c *Comparison) hasSameTokens(form, other string) bool {
	return slices.EqualFunc(listFormTokens(form), listFormTokens(other), func(a, b string) bool {
		if isLiteral(a) && isLiteral(b) {
			long, short := strings.TrimSuffix(a, "'"), strings.TrimSuffix(b, "'")
			if len(long) < len(short) {
				long, short = short, long
			}
			rest, ok := strings.CutPrefix(long, short)
			return ok && (a[0] == '\'' || rest == "" || rest[0] == '.')
		}
		return a == b || slices.Contains(c.Own.columns[bareName(a)], bareName(b))
	})
}

func isLiteral(token string) bool { return token[0] == '\'' || token[0] >= '0' && token[0] <= '9' }

// typeWords follow the first word of a type's name.
var typeWords = []string{"varying", "precision", "without", "with", "time", "zone"}

// listFormTokens returns the tokens of a definition, without parentheses, casts and NOT VALID.
func listFormTokens(definition string) (tokens []string) {
	definition = strings.TrimSuffix(definition, " NOT VALID")
	var list []pgparse.Lexeme
	for x := pgparse.NextLexeme(definition, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(definition, x.End) {
		list = append(list, x)
	}
	text := func(i int) string {
		if i >= len(list) {
			return ""
		}
		return definition[list[i].Start:list[i].End]
	}
	for i := 0; i < len(list); i++ {
		switch word := text(i); {
		case word == "(" || word == ")":
		case word == "::" || word == ":" && text(i+1) == ":":
			if word == ":" {
				i++
			}
			i = skipType(text, i+1) - 1
		default:
			tokens = append(tokens, word)
		}
	}
	return tokens
}

// skipType returns the number of the token after a type's name.
func skipType(text func(i int) string, i int) int {
	for i++; text(i) == "."; {
		i += 2
	}
	for slices.Contains(typeWords, text(i)) || text(i) == "(" && text(i+1) != "" && isLiteral(text(i+1)) {
		for text(i) == "(" || text(i) != "" && text(i) != ")" && isLiteral(text(i)) || text(i) == "," {
			i++
		}
		i++
	}
	for text(i) == "[" && text(i+1) == "]" {
		i += 2
	}
	return i
}

// OwnObjects are the objects that the steps of a plan create.
type OwnObjects struct {
	// former has each object's name, except for columns, and the name from which a step renames the object, or of the index that becomes the key;
	// "" for none.
	former map[string]string
	// columns are the names of replaced columns, with the names of their replacements.
	columns map[string][]string
	// deferrable are the forms that ALTER CONSTRAINT, or ADD CONSTRAINT … USING INDEX, gives to constraints of a table, as a definition has them:
	// " DEFERRABLE".
	deferrable map[constraintName]string
	// marks are the properties that steps give to indexes by their names, as a definition has them: "clustered", "replica identity".
	marks map[string][]string
}

// constraintName are the names of a constraint and of its table, without their schema.
type constraintName struct{ table, constraint string }

// ListOwnObjects returns the objects that the steps of a plan make.
func ListOwnObjects(p *onward.Plan) OwnObjects {
	objects := OwnObjects{former: map[string]string{}, columns: map[string][]string{}, deferrable: map[constraintName]string{}, marks: map[string][]string{}}
	for i := range p.Steps {
		for _, r := range p.Steps[i].Replaces {
			objects.columns[r.OldColumn] = append(objects.columns[r.OldColumn], r.NewColumn)
		}
		f, err := pgparse.SplitText(p.Steps[i].SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			for _, name := range listCreatedNames(stmt.Node) {
				objects.former[name] = ""
			}
			for _, cmd := range stmt.Node.GetAlterTableStmt().GetCmds() {
				table := stmt.Node.GetAlterTableStmt().GetRelation().GetRelname()
				if key := cmd.GetAlterTableCmd().GetDef().GetConstraint(); key.GetIndexname() != "" { // ADD CONSTRAINT … USING INDEX
					objects.former[key.Conname] = key.Indexname
					objects.deferrable[constraintName{table, key.Conname}] = formatDeferrable(key.Deferrable, key.Initdeferred)
				}
				switch c := cmd.GetAlterTableCmd(); c.GetSubtype() {
				case pgparse.AlterTableType_AT_ClusterOn:
					objects.marks[c.Name] = append(objects.marks[c.Name], "clustered")
				case pgparse.AlterTableType_AT_ReplicaIdentity:
					index := c.Def.GetReplicaIdentityStmt().GetName()
					objects.marks[index] = append(objects.marks[index], "replica identity")
				}
				if altered := cmd.GetAlterTableCmd().GetDef().GetAtalterConstraint(); altered.GetAlterDeferrability() {
					objects.deferrable[constraintName{table, altered.Conname}] = formatDeferrable(altered.Deferrable, altered.Initdeferred)
				}
			}
			if n := stmt.Node.GetRenameStmt(); n != nil && renamesObject(n) {
				objects.former[n.Newname] = cmp.Or(n.Subname, n.GetRelation().GetRelname())
			}
		}
	}
	delete(objects.former, "")
	return objects
}

// The ends of the definition of a constraint that is deferrable.
const (
	deferrableEnd = " DEFERRABLE"
	deferredEnd   = " DEFERRABLE INITIALLY DEFERRED"
)

func formatDeferrable(isDeferrable, isDeferred bool) string {
	switch {
	case isDeferred:
		return deferredEnd
	case isDeferrable:
		return deferrableEnd
	}
	return ""
}

// HasObject reports whether a step of the plan makes an entry's object, or the relation that it is on.
func (o OwnObjects) HasObject(e *Entry) bool {
	_, relation, _ := strings.Cut(e.Name, " of ")
	_, onOwn := o.former[bareName(relation)]
	return o.hasName(e) || relation != "" && onOwn
}

// hasName reports whether a step of the plan makes an object with an entry's name.
func (o OwnObjects) hasName(e *Entry) bool {
	name, _, _ := strings.Cut(e.Name, " of ")
	if e.Kind == "function" {
		name, _, _ = strings.Cut(name, "(")
	}
	_, known := o.former[bareName(name)]
	return known
}

// listCreatedNames returns the names of the objects that a statement makes.
func listCreatedNames(node *pgparse.Node) (names []string) {
	switch n := node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		return []string{n.IndexStmt.Idxname}
	case *pgparse.Node_CreateTrigStmt:
		return []string{n.CreateTrigStmt.Trigname}
	case *pgparse.Node_CreatePolicyStmt:
		return []string{n.CreatePolicyStmt.PolicyName}
	case *pgparse.Node_RuleStmt:
		return []string{n.RuleStmt.Rulename}
	case *pgparse.Node_CreateStatsStmt:
		return []string{pgparse.LastText(n.CreateStatsStmt.Defnames)}
	case *pgparse.Node_CreateFunctionStmt:
		return []string{pgparse.LastText(n.CreateFunctionStmt.Funcname)}
	case *pgparse.Node_ViewStmt:
		return []string{n.ViewStmt.View.GetRelname()}
	case *pgparse.Node_CreateTableAsStmt:
		return []string{n.CreateTableAsStmt.GetInto().GetRel().GetRelname()}
	case *pgparse.Node_CreateStmt:
		names = []string{n.CreateStmt.Relation.GetRelname()}
		for _, item := range n.CreateStmt.TableElts {
			names = append(names, item.GetConstraint().GetConname())
		}
	case *pgparse.Node_AlterTableStmt:
		for _, cmd := range n.AlterTableStmt.Cmds {
			names = append(names, cmd.GetAlterTableCmd().GetDef().GetConstraint().GetConname())
		}
	}
	return names
}

// renamesObject reports whether a statement renames an index, a constraint or a trigger.
func renamesObject(n *pgparse.RenameStmt) bool {
	switch n.RenameType {
	case pgparse.ObjectType_OBJECT_INDEX, pgparse.ObjectType_OBJECT_TABCONSTRAINT, pgparse.ObjectType_OBJECT_TRIGGER:
		return true
	}
	return false
}
