package pgparse

// UpdatedSetting returns the setting that an UPDATE of the view pg_settings sets. A rule of the
// view turns such an UPDATE into set_config. For UPDATE pg_settings SET setting = 'off' WHERE name = 'jit' it is
// "jit", "off". ok: the statement is such an UPDATE. known: it sets one setting, and both the name and the value are constants.
// (https://www.postgresql.org/docs/current/view-pg-settings.html)
func UpdatedSetting(s *UpdateStmt) (name, value string, known, ok bool) {
	r := s.GetRelation()
	if r.GetRelname() != "pg_settings" || r.GetSchemaname() != "" && r.GetSchemaname() != "pg_catalog" {
		return "", "", false, false
	}
	condition := s.GetWhereClause().GetAExpr()
	if len(s.GetTargetList()) != 1 || s.GetTargetList()[0].GetResTarget().GetName() != "setting" || len(condition.GetName()) != 1 ||
		condition.GetName()[0].GetString_().GetSval() != "=" || condition.GetKind() != A_Expr_Kind_AEXPR_OP {
		return "", "", false, true
	}
	if f := condition.GetLexpr().GetColumnRef().GetFields(); len(f) == 0 || LastText(f) != "name" {
		return "", "", false, true
	}
	name, isConstantName := ConstantString(condition.GetRexpr())
	value, valued := ConstantString(s.GetTargetList()[0].GetResTarget().GetVal())
	return name, value, isConstantName && valued, true
}
