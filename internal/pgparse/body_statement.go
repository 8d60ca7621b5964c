package pgparse

import "strings"

// queries are the words that a query begins with.
var queries = map[string]bool{"select": true, "with": true, "values": true, "table": true, "insert": true, "update": true, "delete": true, "merge": true}

// simple reads the statement [i, j), which holds no other.
func (b *bodyReader) simple(i, j int) {
	if k := b.kind(i + 1); k == ':' || k == '=' || k == '.' || k == '[' {
		b.assignment(i, j)
		return
	}
	switch key := b.key(i); {
	case key == "return":
		switch b.key(i + 1) {
		case "next":
			b.expression(i+2, j)
		case "query":
			if b.key(i+2) == "execute" {
				b.execute(i+2, j)
			} else {
				b.query(i+2, j)
			}
		default:
			b.expression(i+1, j)
		}
		b.left = b.left || b.maybe() && b.key(i+1) != "next" && b.key(i+1) != "query"
	case key == "perform":
		b.expression(i+1, j)
	case key == "execute":
		b.execute(i, j)
	case key == "raise":
		b.raise(i, j)
	case key == "assert":
		b.expression(i+1, j)
	case key == "exit" || key == "continue":
		b.expression(b.until(i, "when")+1, j)
	case key == "open":
		k := min(b.until(i, "for"), j)
		if b.key(k+1) == "execute" {
			b.execute(k+1, j)
		} else {
			b.query(k+1, j)
		}
	case key == "null" || key == "get" || key == "fetch" || key == "move" || key == "close" || key == "commit" || key == "rollback":
	default:
		b.query(i, j)
	}
}

// add keeps the part [i, j), read as the given SQL.
func (b *bodyReader) add(sql string, i, j int, into []string) {
	if i >= j || i >= len(b.words) {
		return
	}
	b.body.Parts = append(b.body.Parts, Part{Text: b.span(i, j), Offset: int(b.words[i].start), SQL: sql, Into: into, Maybe: b.maybe()})
}

func (b *bodyReader) expression(i, j int) { b.add("SELECT "+b.span(i, j), i, j, nil) }

// query reads a statement of SQL, and takes the INTO of PL/pgSQL out of it.
func (b *bodyReader) query(i, j int) {
	var into []string
	for k := i + 1; k < j; k++ {
		if b.key(k) != "into" || b.key(k-1) == "insert" || b.key(k-1) == "merge" {
			continue
		}
		from := k + 1
		if b.key(from) == "strict" {
			from++
		}
		end := b.targets(from, j, &into)
		b.add(b.span(i, k)+" "+b.span(end, j), i, j, into)
		return
	}
	b.add(b.span(i, j), i, j, nil)
}

// targets reads a list of variables, and gives the token behind it.
func (b *bodyReader) targets(i, j int, into *[]string) int {
	for {
		from := i
		for i++; i < j && b.kind(i) == '.'; {
			i += 2
		}
		for i < j && b.kind(i) == '[' {
			for i < j && b.kind(i) != ']' {
				i++
			}
			i++
		}
		*into = append(*into, b.span(from, min(i, j)))
		if i >= j || b.kind(i) != ',' {
			return min(i, j)
		}
		i++
	}
}

// assignment reads target := expression.
func (b *bodyReader) assignment(i, j int) {
	for k := i; k < j; k++ {
		if b.kind(k) != '=' {
			continue
		}
		to := k
		if b.kind(k-1) == ':' {
			to--
		}
		b.add("SELECT "+b.span(k+1, j), i, j, []string{b.span(i, to)})
		return
	}
	b.query(i, j)
}

// execute reads EXECUTE … INTO … USING …: what it runs where that is constant,
// and what its text is made of.
func (b *bodyReader) execute(i, j int) {
	text := min(b.until(i+1, "into", "using", "loop"), j)
	b.expression(i+1, text)
	if sql, ok := constantOf(b.span(i+1, text)); ok {
		b.add(sql, i, j, nil)
	}
	if using := b.until(text, "using"); using < j {
		b.expression(using+1, min(b.until(using, "into"), j))
	}
}

// raise reads what a message is made of.
func (b *bodyReader) raise(i, j int) {
	using := min(b.until(i, "using"), j)
	for k := i; k < using; k++ {
		if b.kind(k) == ',' {
			b.expression(k+1, using)
			break
		}
	}
	for k := using; k < j; k++ {
		if b.kind(k) == '=' && (b.kind(k-2) == ',' || k-2 == using) {
			end := k + 1
			for depth := 0; end < j && (depth > 0 || b.kind(end) != ','); end++ {
				switch b.kind(end) {
				case '(', '[':
					depth++
				case ')', ']':
					depth--
				}
			}
			b.expression(k+1, end)
		}
	}
}

// declare reads the declarations of a block.
func (b *bodyReader) declare() {
	i := b.at + 1
	for i < len(b.words) && b.key(i) != "begin" {
		j := b.until(i)
		b.variable(i, j)
		i = j + 1
	}
	b.at = i
}

// variable reads one declaration.
func (b *bodyReader) variable(i, j int) {
	if k := b.until(i+1, "cursor"); k < j {
		from := b.until(k, "for", "is")
		b.query(from+1, j)
		return
	}
	from := i + 1
	if b.key(from) == "constant" {
		from++
	}
	end := min(b.until(from, "not", "collate", "default"), j)
	for k := from; k < end; k++ {
		if b.kind(k) == '=' || b.kind(k) == ':' && b.kind(k+1) == '=' {
			end = k
		}
	}
	b.body.Variables[fold(b.span(i, i+1))] = b.span(from, end)
	for k := end; k < j; k++ {
		if b.kind(k) == '=' || b.key(k) == "default" {
			b.expression(k+1, j)
			return
		}
	}
}

// fold is a name as Postgres keeps it.
func fold(name string) string {
	if strings.HasPrefix(name, `"`) {
		return unquoted(name)
	}
	return strings.ToLower(name)
}
