package php

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/inflect"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Eloquent derives the columns of relations from the names of classes and methods.

var (
	phpRelation = lazyregexp.New(`\$this->(hasOne|hasMany|morphOne|morphMany|belongsTo|belongsToMany)\(\s*(\\?[A-Za-z][\w\\]*)::class\s*[,)]`)
	phpFunction = lazyregexp.New(`\bfunction\s+(\w+)\s*\(`)
	phpNested   = lazyregexp.New(`(?:->|::)(?:\w*(?:[hH]as|Have|Relation)\w*|with\w*|load\w*|\w*[jJ]oin\w*|whereExists|\w*Sub|union\w*)\(`)
	phpRule     = lazyregexp.New(`(?:^|\|)(?:unique|exists):(?:\w+\.)?(\w+),(\w+)`)
	phpRuleCall = lazyregexp.New(`\bRule::(?:unique|exists)\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']`)
)

// lastBefore returns the index of the last match that begins before an offset; -1 for none.
func lastBefore(matches [][]int, offset int) int {
	i, _ := slices.BinarySearchFunc(matches, offset, func(m []int, offset int) int { return m[0] - offset })
	return i - 1
}

// classAround returns the class around an offset; nil if it is none that Eloquent may know.
func (c *phpCalls) classAround(offset int) *facts.PHPClass {
	i := lastBefore(c.heads, offset)
	if i < 0 {
		return nil
	}
	name := c.space + c.r.GroupText(c.heads[i], 3)
	for k := range c.r.Facts.PHPClasses {
		if x := &c.r.Facts.PHPClasses[k]; x.Name == name {
			return x
		}
	}
	return nil
}

// relation is a call that declares a relation.
type relation struct {
	class   *facts.PHPClass
	kind    string
	related string
	method  string
	line    int
	// texts are the texts among its arguments, by their numbers.
	texts map[int]string
}

func (c *phpCalls) readRelations() {
	methods := phpFunction.FindAllSubmatchIndex(c.r.Text, maxChains)
	for _, m := range phpRelation.FindAllSubmatchIndex(c.r.Text, maxChains) {
		class := c.classAround(m[0])
		if class == nil || lexer.IsInSpans(c.r.Comments, m[0]) {
			continue
		}
		x := relation{class: class, kind: c.r.GroupText(m, 1), related: c.fullClass(c.r.GroupText(m, 2)), line: c.r.LineAt(m[0])}
		x.texts = map[int]string{}
		if related := c.r.GroupText(m, 2); related == "self" || related == "static" {
			x.related = class.Name
		}
		if i := lastBefore(methods, m[0]); i >= 0 {
			x.method = c.r.GroupText(methods[i], 1)
		}
		end := c.readArguments(m[3]+1, x.texts)
		c.addRelation(&x)
		if x.kind == "belongsToMany" {
			c.readPivotCalls(&x, end+1)
		}
	}
}

// readArguments reads the texts among the arguments of a call after its bracket, and returns the offset of the closing one.
func (c *phpCalls) readArguments(from int, texts map[int]string) (end int) {
	end = c.r.FindClosing(from, min(len(c.r.Text), from+maxCall))
	n, depth := 0, 0
	c.r.EachCode(from, end, func(i int) bool {
		switch c.r.Text[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				n++
			}
		}
		return true
	}, func(l lexer.String) bool {
		if depth == 0 {
			texts[n] = string(c.r.Text[l.From:l.To])
		}
		return true
	})
	return end
}

// foreignKeyColumn returns the column that refers to a class by its name; "" for a trait, whose class is not known.
func foreignKeyColumn(class string, open bool) string {
	if open {
		return ""
	}
	return inflect.LaravelSnake(facts.ShortClass(class)) + "_id"
}

// addRelation adds the columns of a relation.
func (c *phpCalls) addRelation(x *relation) {
	switch x.kind {
	case "hasOne", "hasMany":
		c.addColumns(x.related, x.line, cmp.Or(x.texts[1], foreignKeyColumn(x.class.Name, x.class.Open)))
	case "morphOne", "morphMany":
		if x.texts[1] != "" || x.texts[2] != "" && x.texts[3] != "" {
			c.addColumns(x.related, x.line, cmp.Or(x.texts[2], x.texts[1]+"_type"), cmp.Or(x.texts[3], x.texts[1]+"_id"))
		}
	case "belongsTo":
		if key := cmp.Or(x.texts[1], inflect.LaravelSnake(x.method)+"_id"); source.TableText.MatchString(key) {
			x.class.Given = append(x.class.Given, facts.Place{Name: key, Line: x.line})
		}
		c.addColumns(x.related, x.line, x.texts[2])
	case "belongsToMany":
		c.addPivotKeys(x, foreignKeyColumn(x.class.Name, x.class.Open), foreignKeyColumn(x.related, false))
	}
}

// addColumns records columns of a class that a query reads.
func (c *phpCalls) addColumns(class string, line int, columns ...string) {
	c.addColumnCall(class, facts.Reads, wordsAt(line, columns))
}

// wordsAt returns the words of columns in a line.
func wordsAt(line int, columns []string) (words []facts.Word) {
	for _, name := range columns {
		if source.TableText.MatchString(name) {
			words = append(words, facts.Word{Mark: facts.HashText(name), Line: line})
		}
	}
	return words
}

// pivotTable returns the table between two classes.
func (x *relation) pivotTable() string {
	if x.texts[1] != "" || x.class.Open {
		return x.texts[1]
	}
	names := []string{inflect.LaravelSnake(facts.ShortClass(x.class.Name)), inflect.LaravelSnake(facts.ShortClass(x.related))}
	slices.Sort(names)
	return strings.Join(names, "_")
}

// addPivotKeys records the columns of the table between two classes.
func (c *phpCalls) addPivotKeys(x *relation, key, related string) {
	if table := x.pivotTable(); table != "" {
		words := wordsAt(x.line, []string{cmp.Or(x.texts[2], key), cmp.Or(x.texts[3], related)})
		c.r.Facts.Calls = append(c.r.Facts.Calls, facts.Call{Table: table, Line: x.line, How: facts.Reads, Words: words})
	}
}

// readPivotCalls reads the calls that name further columns of the table between two classes.
func (c *phpCalls) readPivotCalls(x *relation, offset int) {
	for to := min(len(c.r.Text), offset+maxCall); offset < to && c.chains < maxChains; c.chains++ {
		arrow := phpArrow(c.r.Text[offset:to])
		n := lexer.NameLength(c.r.Text[min(offset+arrow, to):to])
		method := string(c.r.Text[min(offset+arrow, to) : min(offset+arrow, to)+n])
		if offset += arrow + n; arrow == 0 || n == 0 || offset >= to || c.r.Text[offset] != '(' {
			return
		}
		texts, line := map[int]string{}, c.r.LineAt(offset)
		offset = c.readArguments(offset+1, texts) + 1
		switch method {
		case "withTimestamps":
			x.addPivotColumn(c, line, "created_at")
			x.addPivotColumn(c, line, "updated_at")
		case "withPivot":
			for _, column := range texts {
				x.addPivotColumn(c, line, column)
			}
		case "wherePivot", "wherePivotIn", "wherePivotNull", "wherePivotNotNull", "orderByPivot":
			x.addPivotColumn(c, line, texts[0])
		}
	}
}

// addPivotColumn adds a column of the table between two classes.
func (x *relation) addPivotColumn(c *phpCalls, line int, column string) {
	if table := x.pivotTable(); table != "" && source.TableText.MatchString(column) {
		c.addTableColumn(table, column, line)
	}
}

// readVariableCalls reads calls of variables, and assignments to their columns.
func (c *phpCalls) readVariableCalls() {
	methods := phpFunction.FindAllSubmatchIndex(c.r.Text, maxChains)
	for _, m := range phpNested.FindAllIndex(c.r.Text, maxChains) {
		c.nested = append(c.nested, lexer.Span{From: m[1], To: c.r.FindClosing(m[1], min(len(c.r.Text), m[1]+maxCall))})
	}
	for _, m := range phpVariable.FindAllSubmatchIndex(c.r.Text, maxChains) {
		class := c.classOfVariable(c.r.GroupText(m, 1), m[0], methods)
		if class == "" || lexer.IsInSpans(c.r.Comments, m[0]) {
			continue
		}
		member := c.r.GroupText(m, 2)
		if c.r.Text[m[6]] != '(' {
			c.addColumnCall(class, facts.Updates, []facts.Word{{Mark: facts.HashText(member), Line: c.r.LineAt(m[4])}})
		} else if _, known := phpMethods[strings.ToLower(member)]; known {
			c.readChain(class, m[3])
		}
	}
}

// classOfVariable returns the class of a variable at an offset; "" if it is not known.
func (c *phpCalls) classOfVariable(name string, offset int, methods [][]int) string {
	switch name {
	case "this", "query", "builder", "q":
		outerClass := c.classAround(offset)
		if outerClass == nil || outerClass.Open || name != "this" && !c.isInScopeMethod(offset, methods) {
			return ""
		}
		return outerClass.Name
	}
	return c.classes[name]
}

// isInScopeMethod reports whether an offset is in a method that adds conditions to a query of its model, and not in a query of another
// one.
func (c *phpCalls) isInScopeMethod(offset int, methods [][]int) bool {
	i := lastBefore(methods, offset)
	return i >= 0 && bytes.HasPrefix(c.r.Text[methods[i][2]:methods[i][3]], []byte("scope")) && !lexer.IsInSpans(c.nested, offset)
}

// readValidationRules reads rules of validation that query a column.
func (c *phpCalls) readValidationRules() {
	for _, l := range c.r.Strings {
		text := c.r.Text[l.From:l.To]
		if len(text) < source.MaxDeclared && (bytes.Contains(text, []byte("unique:")) || bytes.Contains(text, []byte("exists:"))) {
			for _, m := range phpRule.FindAllSubmatch(text, -1) {
				c.addTableColumn(string(m[1]), string(m[2]), c.r.LineAt(l.Open))
			}
		}
	}
	for _, m := range phpRuleCall.FindAllSubmatchIndex(c.r.Text, -1) {
		c.addTableColumn(c.r.GroupText(m, 1), c.r.GroupText(m, 2), c.r.LineAt(m[0]))
	}
}
