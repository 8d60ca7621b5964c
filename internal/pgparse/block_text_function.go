package pgparse

import (
	"strconv"
	"strings"
)

// evalFunction evaluates a function of the server that makes names and statements. format('DROP TABLE %I', 'My t') is DROP TABLE "My t".
// It returns false for other functions.
// https://www.postgresql.org/docs/current/functions-string.html
func (e *textEvaluation) evalFunction(name string, args []string) (string, bool) {
	total := 0 // with the first argument before each, as a separator may be
	for _, a := range args {
		total += len(a) + len(args[0])
	}
	if total > mostBuilt {
		return e.exceed()
	}
	switch name {
	case "format":
		return e.evalFormat(args[0], args[1:])
	case "concat":
		return strings.Join(args, ""), true
	case "concat_ws":
		return strings.Join(args[1:], args[0]), true
	case "replace":
		if len(args) != 3 {
			return "", false
		}
		if args[1] == "" {
			return args[0], true
		}
		if strings.Count(args[0], args[1])*len(args[2]) > mostBuilt {
			return e.exceed()
		}
		return strings.ReplaceAll(args[0], args[1], args[2]), true
	case "substr", "substring":
		return evalSubstring(args)
	case "repeat":
		return e.evalRepeat(args)
	case "left", "right":
		return evalLeftRight(name == "left", args)
	}
	if len(args) != 1 {
		return "", false
	}
	switch name {
	case "quote_ident":
		return QuoteIdent(args[0]), true
	case "quote_literal":
		return QuoteLiteral(args[0]), true
	case "lower":
		return strings.ToLower(args[0]), isASCII(args[0])
	case "upper":
		return strings.ToUpper(args[0]), isASCII(args[0])
	case "btrim":
		return strings.Trim(args[0], " "), true
	}
	return "", false
}

// evalSubstring evaluates substr(text, start) and substr(text, start, count). The same function with a pattern is not known.
func evalSubstring(args []string) (string, bool) {
	if len(args) < 2 || len(args) > 3 {
		return "", false
	}
	text := []rune(args[0])
	start, err := strconv.Atoi(args[1])
	if err != nil {
		return "", false
	}
	end := len(text)
	if len(args) == 3 {
		count, err := strconv.Atoi(args[2])
		if err != nil || count < 0 {
			return "", false
		}
		end = min(end, max(start-1+min(count, len(text)+max(-start, 0)+1), 0))
	}
	start = min(max(start-1, 0), end)
	return string(text[start:end]), true
}

// evalRepeat evaluates repeat(text, n).
func (e *textEvaluation) evalRepeat(args []string) (string, bool) {
	if len(args) != 2 {
		return "", false
	}
	n, err := strconv.Atoi(args[1])
	if err == nil && n > mostBuilt/max(len(args[0]), 1) {
		return e.exceed()
	}
	return strings.Repeat(args[0], max(n, 0)), err == nil
}

// evalLeftRight evaluates left(text, n) and right(text, n). A negative number leaves out as many characters at the other end.
func evalLeftRight(left bool, args []string) (string, bool) {
	if len(args) != 2 {
		return "", false
	}
	text := []rune(args[0])
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return "", false
	}
	if n < 0 {
		n = max(len(text)+n, 0)
	}
	n = min(n, len(text))
	if left {
		return string(text[:n]), true
	}
	return string(text[len(text)-n:]), true
}

// isASCII reports whether the locale of the server does not matter for the case of a text.
func isASCII(s string) bool {
	return strings.IndexFunc(s, func(c rune) bool { return c > 127 }) < 0
}
