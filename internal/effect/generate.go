package effect

//go:generate go run ./locksdoc
