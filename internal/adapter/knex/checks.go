package knex

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
)

// checkOrder are the checks of a column in the order in which Knex writes them.
var checkOrder = []string{"checkPositive", "checkNegative", "checkIn", "checkNotIn", "checkBetween", "checkLength", "checkRegex"}

// columnCheck returns the condition and the name of a check of a column: t.integer('a').checkPositive() has the condition "a" > 0.
func (t *tableBuilder) columnCheck(c *column, l jscode.Link) (condition, name string) {
	column := t.wrapName(c.name)
	switch l.Name {
	case "checkPositive":
		return column + " > 0", t.optionalText(l, 0)
	case "checkNegative":
		return column + " < 0", t.optionalText(l, 0)
	case "checkIn", "checkNotIn":
		if len(l.Arguments) == 0 || l.Arguments[0].Kind != jscode.List {
			t.unread = true
			return "", ""
		}
		var values []string
		for _, v := range l.Arguments[0].Items {
			values = append(values, t.escapeValue(v))
		}
		not := ""
		if l.Name == "checkNotIn" {
			not = "not "
		}
		return column + " " + not + "in (" + strings.Join(values, ",") + ")", t.optionalText(l, 1)
	case "checkBetween":
		return t.betweenCheck(column, l), t.optionalText(l, 1)
	case "checkLength":
		operator := t.textAt(l, 0)
		t.failUnless(len(l.Arguments) > 1 && operators[operator])
		return "length(" + column + ") " + operator + " " + t.numberAt(l, 1, ""), t.optionalText(l, 2)
	case "checkRegex":
		return column + " ~ " + escapeText(t.textAt(l, 0)), t.optionalText(l, 1)
	}
	t.unread = true
	return "", ""
}

// betweenCheck returns the condition of checkBetween, which gets one range or a list of ranges.
func (t *tableBuilder) betweenCheck(column string, l jscode.Link) string {
	if len(l.Arguments) == 0 || len(l.Arguments[0].Items) == 0 {
		t.unread = true
		return ""
	}
	ranges := l.Arguments[0].Items
	if ranges[0].Kind != jscode.List {
		ranges = l.Arguments[:1]
	}
	var parts []string
	for _, r := range ranges {
		if len(r.Items) != 2 {
			t.unread = true
			return ""
		}
		parts = append(parts, column+" between "+t.escapeValue(r.Items[0])+" and "+t.escapeValue(r.Items[1]))
	}
	return strings.Join(parts, " or ")
}

// addColumnChecks adds the statements for the checks of an altered column.
func (t *tableBuilder) addColumnChecks(c *column) {
	count := 0
	for _, method := range checkOrder {
		l, set := c.modifiers[method]
		if !set {
			continue
		}
		condition, name := t.columnCheck(c, l)
		if name == "" {
			count++
			name = fmt.Sprintf("%s_%s_%d", t.name, c.name, count)
		}
		t.addSQL("alter table " + t.wrapTable(t.name) + " add constraint " + name + " check(" + condition + ")")
	}
}

// tableCheck returns the condition and the name of a check of a table.
func (t *tableBuilder) tableCheck(l jscode.Link) (condition, name string) {
	condition, name = t.textAt(l, 0), t.optionalText(l, 2)
	t.failUnless(!hasPlaceholder(condition) && !strings.Contains(condition, `\`))
	t.failUnless(len(l.Arguments) < 2 || l.Arguments[1].IsMissing() || len(l.Arguments[1].Items)+len(l.Arguments[1].Fields) == 0)
	return condition, name
}
