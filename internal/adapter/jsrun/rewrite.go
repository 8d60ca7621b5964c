package jsrun

import (
	"reflect"
	"strings"

	"github.com/grafana/sobek/ast"
	"github.com/grafana/sobek/file"
	"github.com/grafana/sobek/token"
	"github.com/grafana/sobek/unistring"
)

// Names of the functions of the prelude that a program's operators call, because no object of the interpreter can
// decide about them.
const (
	truthFunction   = "__onward_truth"
	nullishFunction = "__onward_nullish"
	compareFunction = "__onward_compare"
	typeFunction    = "__onward_type"
	keyFunction     = "__onward_key"
	getFunction     = "__onward_get"
	setFunction     = "__onward_set"
	choiceFunction  = "__onward_choice"
	caseFunction    = "__onward_case"
	eachFunction    = "__onward_each"
	spreadFunction  = "__onward_spread"
	copyFunction    = "__onward_copy"
)

// watched are the operators whose operands may be unknown values.
var watched = map[token.Token]bool{
	token.EQUAL: true, token.STRICT_EQUAL: true, token.NOT_EQUAL: true, token.STRICT_NOT_EQUAL: true,
	token.LESS: true, token.GREATER: true, token.LESS_OR_EQUAL: true, token.GREATER_OR_EQUAL: true,
	token.MINUS: true, token.MULTIPLY: true, token.SLASH: true, token.REMAINDER: true,
	token.IN: true, token.INSTANCEOF: true,
}

// rewriter changes a program so that it asks the prelude about values that may be unknown: if (a) becomes if (__onward_truth(a)).
// Positions stay.
type rewriter struct {
	seen map[any]bool
	// targets are the expressions that are no values: they are set, called or deleted.
	targets map[ast.Expression]bool
}

// rewriteProgram changes a bundle. Its first variables, whose names begin with "__", are the bundler's own helpers,
// and stay.
func rewriteProgram(p *ast.Program) {
	r := &rewriter{seen: map[any]bool{}, targets: map[ast.Expression]bool{}}
	for _, s := range p.Body {
		if v, ok := s.(*ast.VariableStatement); ok && isBundlerHelper(v) {
			continue
		}
		r.rewriteValue(reflect.ValueOf(s))
	}
}

func isBundlerHelper(v *ast.VariableStatement) bool {
	if len(v.List) == 0 {
		return false
	}
	name, ok := v.List[0].Target.(*ast.Identifier)
	return ok && strings.HasPrefix(name.Name.String(), "__")
}

var expressionType = reflect.TypeFor[ast.Expression]()

// rewriteValue rewrites what is below a node.
func (r *rewriter) rewriteValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		r.rewriteValue(v.Elem())
		if v.CanSet() && v.Type() == expressionType {
			if changed := r.replaceExpression(v.Interface().(ast.Expression)); changed != nil {
				v.Set(reflect.ValueOf(changed))
			}
		}
	case reflect.Pointer:
		if v.IsNil() || r.seen[v.Interface()] {
			return
		}
		r.seen[v.Interface()] = true
		if v.Elem().Kind() == reflect.Struct {
			r.markTargets(v.Interface())
			r.rewriteValue(v.Elem())
			r.rewriteNode(v.Interface())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			// The list of declarations names the variables of the body a second time.
			if f := v.Type().Field(i); f.IsExported() && f.Name != "DeclarationList" && f.Name != "File" {
				r.rewriteValue(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.rewriteValue(v.Index(i))
		}
	}
}

// callPrelude returns a call of a function of the prelude.
func callPrelude(name string, arguments ...ast.Expression) ast.Expression {
	start, end := arguments[len(arguments)-1].Idx0(), arguments[len(arguments)-1].Idx1()
	return &ast.CallExpression{
		Callee:          &ast.Identifier{Name: unistring.NewFromString(name), Idx: start},
		LeftParenthesis: start, ArgumentList: arguments, RightParenthesis: end,
	}
}

func newStringLiteral(idx file.Idx, text string) *ast.StringLiteral {
	return &ast.StringLiteral{Idx: idx, Literal: `"` + text + `"`, Value: unistring.NewFromString(text)}
}

// markTargets notes the parts of a node that are no values.
func (r *rewriter) markTargets(node any) {
	switch n := node.(type) {
	case *ast.AssignExpression:
		r.targets[n.Left] = true
	case *ast.CallExpression:
		r.targets[n.Callee] = true
	case *ast.TemplateLiteral:
		r.targets[n.Tag] = true
	case *ast.UnaryExpression:
		r.targets[n.Operand] = n.Operator == token.DELETE || n.Operator == token.INCREMENT || n.Operator == token.DECREMENT
	case *ast.ForIntoExpression:
		r.targets[n.Expression] = true
	case *ast.ArrayPattern:
		for _, e := range append(n.Elements, n.Rest) {
			r.targets[e] = true
		}
	case *ast.ObjectPattern:
		r.targets[n.Rest] = true
		for _, p := range n.Properties {
			if keyed, ok := p.(*ast.PropertyKeyed); ok {
				r.targets[keyed.Value] = true
			}
		}
	}
}

// computedProperty returns the property that an expression is, if its name is no literal.
func computedProperty(e ast.Expression) (property *ast.BracketExpression, ok bool) {
	if property, ok = e.(*ast.BracketExpression); !ok {
		return nil, false
	}
	switch property.Member.(type) {
	case *ast.StringLiteral, *ast.NumberLiteral:
		return nil, false
	}
	_, inherited := property.Left.(*ast.SuperExpression)
	return property, !inherited
}

// replaceExpression returns what replaces an expression; nil if it stays.
func (r *rewriter) replaceExpression(e ast.Expression) ast.Expression {
	switch e := e.(type) {
	case *ast.BracketExpression:
		if p, ok := computedProperty(e); ok && !r.targets[e] {
			return callPrelude(getFunction, p.Left, p.Member)
		}
	case *ast.AssignExpression:
		if p, ok := computedProperty(e.Left); ok && e.Operator == token.ASSIGN {
			return callPrelude(setFunction, p.Left, p.Member, e.Right)
		}
	case *ast.BinaryExpression:
		if watched[e.Operator] {
			operator := e.Operator.String()
			return callPrelude(compareFunction, newStringLiteral(e.Left.Idx0(), operator), e.Left, e.Right)
		}
	case *ast.UnaryExpression:
		if e.Operator != token.TYPEOF {
			return nil
		}
		if _, isIdentifier := e.Operand.(*ast.Identifier); !isIdentifier {
			return callPrelude(typeFunction, e.Operand)
		}
		undefined := newStringLiteral(e.Idx, "undefined")
		return &ast.ConditionalExpression{ // a name that nobody declares is no error
			Test:       &ast.BinaryExpression{Operator: token.STRICT_EQUAL, Left: e, Right: undefined, Comparison: true},
			Consequent: undefined, Alternate: callPrelude(typeFunction, e.Operand),
		}
	}
	return nil
}

// rewriteNode changes the parts of a node that decide about something.
func (r *rewriter) rewriteNode(node any) {
	ask := func(e *ast.Expression, function string) {
		if *e != nil {
			*e = callPrelude(function, *e)
		}
	}
	switch n := node.(type) {
	case *ast.IfStatement:
		ask(&n.Test, truthFunction)
	case *ast.ConditionalExpression:
		ask(&n.Test, truthFunction)
	case *ast.WhileStatement:
		ask(&n.Test, truthFunction)
	case *ast.DoWhileStatement:
		ask(&n.Test, truthFunction)
	case *ast.ForStatement:
		ask(&n.Test, truthFunction)
	case *ast.UnaryExpression:
		if n.Operator == token.NOT {
			ask(&n.Operand, truthFunction)
		}
	case *ast.BinaryExpression:
		switch n.Operator {
		case token.LOGICAL_AND, token.LOGICAL_OR:
			ask(&n.Left, truthFunction)
		case token.COALESCE:
			ask(&n.Left, nullishFunction)
		}
	case *ast.SwitchStatement:
		ask(&n.Discriminant, choiceFunction)
	case *ast.CaseStatement:
		ask(&n.Test, caseFunction)
	case *ast.AssignExpression:
		if p, ok := computedProperty(n.Left); ok && n.Operator != token.ASSIGN {
			ask(&p.Member, keyFunction)
		}
	case *ast.CallExpression:
		if p, ok := computedProperty(n.Callee); ok {
			ask(&p.Member, keyFunction)
		}
		rewriteSpread(n.ArgumentList, spreadFunction)
	case *ast.ForOfStatement:
		ask(&n.Source, eachFunction)
	case *ast.ForInStatement:
		ask(&n.Source, eachFunction)
	case *ast.ArrayLiteral:
		rewriteSpread(n.Value, spreadFunction)
	case *ast.NewExpression:
		rewriteSpread(n.ArgumentList, spreadFunction)
	case *ast.ObjectLiteral:
		for _, p := range n.Value {
			if s, ok := p.(*ast.SpreadElement); ok {
				ask(&s.Expression, copyFunction)
			}
		}
	}
}

func rewriteSpread(list []ast.Expression, function string) {
	for _, e := range list {
		if s, ok := e.(*ast.SpreadElement); ok {
			s.Expression = callPrelude(function, s.Expression)
		}
	}
}
