package adapter

import (
	"strings"

	"github.com/onward-sql/onward/internal/script"
)

// Piece is the text that a runner, which cuts files at ends of lines, sends as one
// message.
type Piece struct {
	Start, End int  // offsets
	Block      bool // cut by markers, not at a line's end
}

// JoinPieces converts the pieces of a text to parts. If the runner cuts inside a body or a
// string, it joins the pieces again, so that the intended statement is judged. It then
// calls cut with the line on which the statement begins, the line at whose end it is cut,
// and what is open there.
func JoinPieces(text string, pieces []Piece, cut func(begin, line int, inside string)) []script.Part {
	var out []script.Part
	for i := 0; i < len(pieces); {
		first := pieces[i]
		end, n := first.End, 1
		if !first.Block {
			var lex Lexer
			from, reason := first.Start, ""
			for j := i; j < len(pieces) && !pieces[j].Block; j++ {
				// This includes the newline, which ends a comment.
				to := pieces[j].End
				for to < len(text) && text[to-1] != '\n' {
					to++
				}
				lex.Feed(text[from:to])
				from = to
				open := lex.Open()
				if open == "a comment" && to == len(text) {
					open = ""
				}
				if reason == "" {
					reason = open
				}
				if open == "" {
					end, n = pieces[j].End, j-i+1
					break
				}
			}
			if reason != "" {
				cut(1+strings.Count(text[:TrimmedPart(text, first.Start, end).Start], "\n"), 1+strings.Count(text[:first.End], "\n"), reason)
			}
		}
		if part := TrimmedPart(text, first.Start, end); part.SQL != "" {
			part.Message = true
			out = append(out, part)
		}
		i += n
	}
	return out
}

// EndsStatement is the rule of runners that cut at the ends of lines: the last
// word before a word that begins with "--" ends in a semicolon.
func EndsStatement(line string) bool {
	last := ""
	for word := range strings.FieldsSeq(line) {
		if strings.HasPrefix(word, "--") {
			break
		}
		last = word
	}
	return strings.HasSuffix(last, ";")
}
