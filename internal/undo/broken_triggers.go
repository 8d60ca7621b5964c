package undo

import (
	"regexp"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// MakesTriggerOf reports whether a step makes a trigger of a column's table that uses the column of each row, and nothing besides triggers and functions.
// If the column is gone, each write of the table fails in it.
func MakesTriggerOf(s *onward.PlanStep, column Object) bool {
	if column.Column == "" || !dropsOnlyTriggers(s.Undo) {
		return false
	}
	for _, node := range parseStatements(s.SQL) {
		if trigger := node.GetCreateTrigStmt(); trigger != nil && trigger.Row && tableName(trigger.Relation) == column.Table {
			uses, err := regexp.MatchString(`(?i)\b(?:new|old)\.`+regexp.QuoteMeta(pgparse.QuoteIdent(column.Column))+`(?:[^\w$]|$)`, s.SQL)
			return uses && err == nil
		}
	}
	return false
}

// dropsOnlyTriggers reports whether an undo drops triggers and functions, and nothing else.
func dropsOnlyTriggers(sql string) bool {
	list := parseStatements(sql)
	drops := false
	return !slices.ContainsFunc(list, func(node *pgparse.Node) bool {
		if node.GetTransactionStmt() != nil || node.GetVariableSetStmt().GetIsLocal() {
			return false
		}
		kind := node.GetDropStmt().GetRemoveType()
		drops = drops || kind == pgparse.ObjectType_OBJECT_TRIGGER
		return kind != pgparse.ObjectType_OBJECT_TRIGGER && kind != pgparse.ObjectType_OBJECT_FUNCTION
	}) && drops
}
