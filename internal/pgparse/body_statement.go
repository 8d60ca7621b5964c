package pgparse

import "strings"

// queries are the first words of queries.
var queries = map[string]bool{"select": true, "with": true, "values": true, "table": true, "insert": true, "update": true, "delete": true, "merge": true}

// readSimpleStatement reads the statement [i, j), which contains no other statement.
func (b *bodyReader) readSimpleStatement(i, j int) {
	if k := b.kindAt(i + 1); k == ':' || k == '=' || k == '.' || k == '[' {
		b.readAssignment(i, j)
		return
	}
	switch key := b.keywordAt(i); {
	case key == "return":
		switch b.keywordAt(i + 1) {
		case "next":
			b.addExpression(i+2, j)
		case "query":
			if b.keywordAt(i+2) == "execute" {
				b.readExecute(i+2, j)
			} else {
				b.readQuery(i+2, j)
			}
		default:
			b.addExpression(i+1, j)
		}
		b.left = b.left || b.mayBeSkipped() && b.keywordAt(i+1) != "next" && b.keywordAt(i+1) != "query"
	case key == "perform":
		b.addExpression(i+1, j)
	case key == "execute":
		b.readExecute(i, j)
	case key == "raise":
		b.readRaise(i, j)
	case key == "assert":
		b.addExpression(i+1, j)
	case key == "exit" || key == "continue":
		b.addExpression(b.findKeyword(i, "when")+1, j)
	case key == "open":
		k := min(b.findKeyword(i, "for"), j)
		if b.keywordAt(k+1) == "execute" {
			b.readExecute(k+1, j)
		} else {
			b.readQuery(k+1, j)
		}
	case key == "null" || key == "get" || key == "fetch" || key == "move" || key == "close" || key == "commit" || key == "rollback":
	default:
		b.readQuery(i, j)
	}
}

// addPart records the part [i, j) with the given SQL.
func (b *bodyReader) addPart(sql string, i, j int, targets []string) {
	if i >= j || i >= len(b.words) {
		return
	}
	b.body.Parts = append(b.body.Parts, Part{Text: b.spanText(i, j), Offset: int(b.words[i].start), SQL: sql, Into: targets, Maybe: b.mayBeSkipped()})
}

func (b *bodyReader) addExpression(i, j int) { b.addPart("SELECT "+b.spanText(i, j), i, j, nil) }

// readQuery reads an SQL statement and removes PL/pgSQL's INTO from it.
func (b *bodyReader) readQuery(i, j int) {
	var targets []string
	for k := i + 1; k < j; k++ {
		if b.keywordAt(k) != "into" || b.keywordAt(k-1) == "insert" || b.keywordAt(k-1) == "merge" {
			continue
		}
		from := k + 1
		if b.keywordAt(from) == "strict" {
			from++
		}
		end := b.readTargets(from, j, &targets)
		b.addPart(b.spanText(i, k)+" "+b.spanText(end, j), i, j, targets)
		return
	}
	b.addPart(b.spanText(i, j), i, j, nil)
}

// readTargets reads a list of variables and returns the token after it.
func (b *bodyReader) readTargets(i, j int, targets *[]string) int {
	for {
		from := i
		for i++; i < j && b.kindAt(i) == '.'; {
			i += 2
		}
		for i < j && b.kindAt(i) == '[' {
			for i < j && b.kindAt(i) != ']' {
				i++
			}
			i++
		}
		*targets = append(*targets, b.spanText(from, min(i, j)))
		if i >= j || b.kindAt(i) != ',' {
			return min(i, j)
		}
		i++
	}
}

// readAssignment reads target := expression.
func (b *bodyReader) readAssignment(i, j int) {
	for k := i; k < j; k++ {
		if b.kindAt(k) != '=' {
			continue
		}
		to := k
		if b.kindAt(k-1) == ':' {
			to--
		}
		b.addPart("SELECT "+b.spanText(k+1, j), i, j, []string{b.spanText(i, to)})
		return
	}
	b.readQuery(i, j)
}

// readExecute reads EXECUTE … INTO … USING …: the SQL that it runs, if that is constant, and
// the expressions that make up its text.
func (b *bodyReader) readExecute(i, j int) {
	text := min(b.findKeyword(i+1, "into", "using", "loop"), j)
	b.addExpression(i+1, text)
	if sql, ok := constantExprText(b.spanText(i+1, text)); ok {
		b.addPart(sql, i, j, nil)
	}
	if using := b.findKeyword(text, "using"); using < j {
		b.addExpression(using+1, min(b.findKeyword(using, "into"), j))
	}
}

// readRaise reads the expressions of a message.
func (b *bodyReader) readRaise(i, j int) {
	using := min(b.findKeyword(i, "using"), j)
	for k := i; k < using; k++ {
		if b.kindAt(k) == ',' {
			b.addExpression(k+1, using)
			break
		}
	}
	for k := using; k < j; k++ {
		if b.kindAt(k) == '=' && (b.kindAt(k-2) == ',' || k-2 == using) {
			end := k + 1
			for depth := 0; end < j && (depth > 0 || b.kindAt(end) != ','); end++ {
				switch b.kindAt(end) {
				case '(', '[':
					depth++
				case ')', ']':
					depth--
				}
			}
			b.addExpression(k+1, end)
		}
	}
}

// readDeclarations reads the declarations of a block.
func (b *bodyReader) readDeclarations() {
	i := b.at + 1
	for i < len(b.words) && b.keywordAt(i) != "begin" {
		j := b.findKeyword(i)
		b.readDeclaration(i, j)
		i = j + 1
	}
	b.at = i
}

// readDeclaration reads one declaration.
func (b *bodyReader) readDeclaration(i, j int) {
	if k := b.findKeyword(i+1, "cursor"); k < j {
		from := b.findKeyword(k, "for", "is")
		b.readQuery(from+1, j)
		return
	}
	from := i + 1
	if b.keywordAt(from) == "constant" {
		from++
	}
	end := min(b.findKeyword(from, "not", "collate", "default"), j)
	for k := from; k < end; k++ {
		if b.kindAt(k) == '=' || b.kindAt(k) == ':' && b.kindAt(k+1) == '=' {
			end = k
		}
	}
	b.body.Variables[foldName(b.spanText(i, i+1))] = b.spanText(from, end)
	for k := end; k < j; k++ {
		if b.kindAt(k) == '=' || b.keywordAt(k) == "default" {
			b.addExpression(k+1, j)
			return
		}
	}
}

// foldName returns a name as Postgres stores it.
func foldName(name string) string {
	if strings.HasPrefix(name, `"`) {
		return unquoteName(name)
	}
	return strings.ToLower(name)
}
