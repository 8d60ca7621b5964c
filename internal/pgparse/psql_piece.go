package pgparse

// PsqlPiece is a statement or a command that psql reads from a file.
type PsqlPiece struct {
	// Start and End are its byte offsets, without the ';'.
	Start, End int
	// Command is set for a command of its own: \set, \ir.
	Command bool
	// Slash is the offset of a command inside the statement or at its end, as in SELECT 1 \gset; 0 for none.
	Slash int
	// Variables are the references to psql's variables in the statement: :name, :'name', :"name", :{?name}.
	Variables []Comment
}

// SplitPsql cuts a text into the pieces that psql reads, without parsing them.
func SplitPsql(src string) []PsqlPiece {
	if len(src) > MaxSize {
		return nil
	}
	s := newScanner(cleanText(src), Reader{Psql: true})
	s.keepsVariables = true
	pieces := s.scanAll()
	out := make([]PsqlPiece, 0, len(pieces))
	variables := s.variables
	for _, p := range pieces {
		x := PsqlPiece{Start: p.start, End: p.end, Command: p.meta, Slash: p.slash}
		n := 0
		for n < len(variables) && variables[n].Start < p.end {
			n++
		}
		if !p.meta {
			x.Variables = variables[:n:n]
		}
		variables = variables[n:]
		out = append(out, x)
	}
	return out
}

// recordVariable records the variable of psql that begins where the scanner is.
func (s *scanner) recordVariable() {
	if !s.keepsVariables || s.src[s.pos] != ':' {
		return
	}
	if end := VariableEnd(s.src, s.pos); end > 0 {
		s.variables = append(s.variables, Comment{s.pos, end})
	}
}

// VariableEnd returns the end of the variable of psql whose colon is at i; 0 if it is none: a cast, or the ":=" of an argument.
func VariableEnd(src string, i int) int {
	if i > 0 && src[i-1] == ':' || i+1 >= len(src) {
		return 0
	}
	from, closing := i+1, byte(0)
	switch src[from] {
	case '\'', '"':
		closing = src[from]
		from++
	case '{':
		closing = '}'
		if from += 2; from >= len(src) || src[from-1] != '?' {
			return 0
		}
	}
	end := from
	for end < len(src) && (isWordByte(src[end]) && src[end] != '$') {
		end++
	}
	if end == from || closing != 0 && (end >= len(src) || src[end] != closing) {
		return 0
	}
	if closing != 0 {
		end++
	}
	return end
}
