package inventory

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

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
