package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// createTable checks the columns that the CHECK constraints of a new table
// name. All of its columns stand in the statement, unless it takes some from
// elsewhere.
func (k *checker) createTable(s *pgparse.CreateStmt) {
	if s.GetIfNotExists() || s.GetOfTypename() != nil || len(s.GetInhRelations()) > 0 || s.GetPartbound() != nil {
		return
	}
	checks := checkConstraints(checkConstraints(nil, s.GetConstraints()), s.GetTableElts())
	for _, n := range s.GetTableElts() {
		if n.GetTableLikeClause() != nil {
			return
		}
		checks = checkConstraints(checks, n.GetColumnDef().GetConstraints())
	}
	if len(checks) == 0 {
		return
	}
	table := item{alias: clip(s.GetRelation().GetRelname())}
	for _, n := range s.GetTableElts() {
		if d := n.GetColumnDef(); d != nil {
			table.columns = append(table.columns, clip(d.GetColname()))
		}
	}
	k.checks(checks, table)
}

// alterTable checks the columns that new CHECK constraints name.
func (k *checker) alterTable(s *pgparse.AlterTableStmt) {
	if s.GetObjtype() != pgparse.ObjectType_OBJECT_TABLE {
		return
	}
	var checks []*pgparse.Constraint
	var added []string
	for _, n := range s.GetCmds() {
		cmd := n.GetAlterTableCmd()
		switch def := pgparse.Unwrap(cmd.GetDef()).(type) {
		case *pgparse.ColumnDef:
			if cmd.GetSubtype() == pgparse.AlterTableType_AT_AddColumn {
				added = append(added, clip(def.GetColname()))
				if !cmd.GetMissingOk() {
					checks = checkConstraints(checks, def.GetConstraints())
				}
			}
		case *pgparse.Constraint:
			if cmd.GetSubtype() == pgparse.AlterTableType_AT_AddConstraint && def.GetContype() == pgparse.ConstrType_CONSTR_CHECK {
				checks = append(checks, def)
			}
		}
	}
	if len(checks) == 0 {
		return
	}
	schema, name := rangeName(s.GetRelation())
	if schema == "" && !k.plainPath() {
		return
	}
	if r := k.c.find(schema, name); r != nil && r.Kind.IsTable() {
		k.checks(checks, item{alias: name, rel: r, columns: added})
	}
}

// checkConstraints adds the CHECK constraints among nodes to a list.
func checkConstraints(list []*pgparse.Constraint, nodes []*pgparse.Node) []*pgparse.Constraint {
	for _, n := range nodes {
		if c := n.GetConstraint(); c != nil && c.GetContype() == pgparse.ConstrType_CONSTR_CHECK {
			list = append(list, c)
		}
	}
	return list
}

func (k *checker) checks(list []*pgparse.Constraint, table item) {
	for _, c := range list {
		k.expr(c.GetRawExpr(), &level{items: []item{table}})
	}
}

// trigger checks that the function of a trigger was not dropped.
func (k *checker) trigger(s *pgparse.CreateTrigStmt) {
	schema, name := schemaAndName(s.GetFuncname())
	if schema == "" && !k.plainPath() || len(k.c.Functions(schema, name)) > 0 {
		return
	}
	if _, gone := k.c.gone.get(objectKey{"function", k.c.nameFor(schema, name)}); gone {
		k.fail("42883", "function %s() does not exist", displayName(schema, name))
	}
}
