package pgparse

import (
	"slices"
	"strings"
)

// commonOperators are the names of the server's built-in operators.
var commonOperators = strings.Fields(`= <> != < > <= >= + - * / % ^ || ~ ~* !~ !~* ~~ !~~ ~~* !~~* -> ->> #> #>> @> <@ && ? ?| ?& << >> & | # @@ @? -|- &< &> <<| |>> |&> &<| ~= <-> ^@ ~<~ ~<=~ ~>=~ ~>~ #- ## @-@ !! |/ ||/ @ ?- ?-| ?|| ?# <^ >^ <<= >>= @@@ *= *<> *< *> *<= *>=`)

// CommonOperator reports whether the server has a built-in operator of a name.
func CommonOperator(name string) bool { return slices.Contains(commonOperators, name) }

// OperatorsIn calls found for each operator in a statement that is not built in, with its
// place.
func OperatorsIn(n *Node, found func(name string, offset int)) {
	Walk(n, func(msg any) bool {
		if x, ok := msg.(*A_Expr); ok && len(x.GetName()) > 0 {
			if name := LastText(x.GetName()); name != "" && !CommonOperator(name) {
				found(name, int(x.GetLocation()))
			}
		}
		return true
	})
}

// OperatorsOf lists such operators in the body of a function in SQL or PL/pgSQL.
func OperatorsOf(body string) []string {
	var out []string
	for _, p := range ReadBody(body).Parts {
		f, err := SplitText(p.SQL)
		if err != nil {
			continue
		}
		for i := range f.Stmts {
			OperatorsIn(f.Stmts[i].Node, func(name string, _ int) { out = append(out, name) })
		}
	}
	return out
}
