package rust

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Rust's enums: an attribute's rule, or a text of its own, gives the label of a variant.
// sqlx, Diesel, SeaORM and serde have different attributes for it.
var (
	rustEnum   = lazyregexp.New(`^enum\s+(\w+)\s*\{`)
	rustRule   = lazyregexp.New(`\b(?:rename_all|serialize_all|DbValueStyle)\s*=\s*"([\w-]+)"`)
	rustOwn    = lazyregexp.New(`#\[sqlx\([^\]]*\brename_all\s*=\s*"([\w-]+)"`)
	rustType   = lazyregexp.New(`\b(?:type_name|enum_name)\s*=\s*"(?:\w+\.)?(\w+)"|\bExistingTypePath\s*=\s*"(?:\w+::)*(\w+)"`)
	rustText   = lazyregexp.New(`\b(?:rename|db_rename|string_value|serialize)\s*=\s*"([^"\n]*)"`)
	rustAbove  = lazyregexp.New(`^(?:#!?\[|//|\)\]|pub\b|[\w(]+\s*=)`)
	rustLabels = lazyregexp.New(`^(?:\s|//[^\n]*|#\[(?:[^\[\]"]|"[^"\n]*"|\[[^\]]*\])*\])*([A-Z]\w*)`)
)

func readRustEnums(r *source.File) {
	r.EachMatch("enum ", rustEnum, func(offset int, m []int) {
		if r.IsInString(offset) || source.IsComment(r.LineOf(offset)) {
			return
		}
		attributes := r.Text[attributesStart(r, offset):offset]
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(offset)}
		if t := rustType.FindSubmatch(attributes); t != nil {
			e.Class = string(t[1]) + string(t[2])
		}
		style := firstMatch(attributes, rustOwn, rustRule)
		if style == "" && bytes.Contains(attributes, []byte("DbEnum")) {
			style = "snake_case" // Diesel's default
		}
		r.EachEntry(m[1], func(from, to int, _ string) bool {
			if n := rustLabels.FindSubmatchIndex(r.Text[from:to]); n != nil {
				variant := string(r.Text[from+n[2] : from+n[3]])
				text := firstMatch(r.Text[from:from+n[2]], rustText)
				if text == "" {
					text = applyRenaming(variant, style)
				}
				e.Labels = append(e.Labels, r.MakeLabel(variant, text, from+n[2]))
			}
			return len(e.Labels) <= source.MaxLabels
		})
		r.AddEnum(e)
	})
}

// attributesStart returns the start of the attribute lines above an offset.
func attributesStart(r *source.File, offset int) int {
	from := bytes.LastIndexByte(r.Text[:offset], '\n') + 1
	for from > 0 {
		lineStart := bytes.LastIndexByte(r.Text[:from-1], '\n') + 1
		if !rustAbove.Match(bytes.TrimSpace(r.Text[lineStart : from-1])) {
			break
		}
		from = lineStart
	}
	return from
}

// firstMatch returns the first group of the first pattern that matches a text; "" for none.
func firstMatch(text []byte, patterns ...*lazyregexp.Regexp) string {
	for _, p := range patterns {
		if m := p.FindSubmatch(text); m != nil {
			return string(m[1])
		}
	}
	return ""
}

// applyRenaming returns the name of a variant, converted by a renaming rule; "" for no rule.
func applyRenaming(variant, style string) string {
	var words []string
	from := 0
	for i, c := range variant {
		if i > 0 && unicode.IsUpper(c) {
			words, from = append(words, variant[from:i]), i
		}
	}
	words = append(words, variant[from:])
	snake := strings.ToLower(strings.Join(words, "_"))
	switch style {
	case "lowercase":
		return strings.ToLower(variant)
	case "UPPERCASE":
		return strings.ToUpper(variant)
	case "snake_case":
		return snake
	case "SCREAMING_SNAKE_CASE":
		return strings.ToUpper(snake)
	case "kebab-case":
		return strings.ReplaceAll(snake, "_", "-")
	case "SCREAMING-KEBAB-CASE":
		return strings.ToUpper(strings.ReplaceAll(snake, "_", "-"))
	case "camelCase":
		return strings.ToLower(words[0]) + strings.Join(words[1:], "")
	}
	return ""
}
