package configfile

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// ReadHCL reads an HCL file. The section of a setting has the types of the blocks around it, without labels.
// Nothing is evaluated: a value that is not a literal is its source text.
func ReadHCL(text string) ([]Setting, error) {
	if err := checkLimits(text, maxHCL); err != nil {
		return nil, err
	}
	file, problems := hclsyntax.ParseConfig([]byte(text), "", hcl.InitialPos)
	if problems.HasErrors() {
		return nil, errors.New("it is not valid HCL: " + problems[0].Summary)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	out := appendBlock(nil, file.Bytes, "", "", body)
	slices.SortStableFunc(out, func(a, b Setting) int { return cmp.Compare(a.Line, b.Line) })
	return out, nil
}

func appendBlock(out []Setting, text []byte, section, labels string, body *hclsyntax.Body) []Setting {
	for _, a := range body.Attributes {
		out = append(out, Setting{Section: section, Labels: labels, Key: a.Name, Values: literalValues(text, a.Expr), Line: a.NameRange.Start.Line})
	}
	for _, b := range body.Blocks {
		out = appendBlock(out, text, joinSections(section, b.Type), strings.Trim(labels+"."+strings.Join(b.Labels, "."), "."), b.Body)
	}
	return out
}

// literalValues returns a literal, the items of a list, or the text of another expression.
func literalValues(text []byte, e hclsyntax.Expression) []string {
	switch e := e.(type) {
	case *hclsyntax.TupleConsExpr:
		var out []string
		for _, item := range e.Exprs {
			out = append(out, literalValues(text, item)...)
		}
		return out
	case *hclsyntax.TemplateExpr:
		if len(e.Parts) == 0 {
			return []string{""}
		}
		if len(e.Parts) == 1 {
			return literalValues(text, e.Parts[0])
		}
	case *hclsyntax.LiteralValueExpr:
		if v, err := convert.Convert(e.Val, cty.String); err == nil && !v.IsNull() {
			return []string{v.AsString()}
		}
	}
	return []string{string(e.Range().SliceBytes(text))}
}
