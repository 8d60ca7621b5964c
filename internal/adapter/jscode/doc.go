// Package jscode reads the SQL of migrations that are programs in JavaScript or TypeScript: constant texts that the
// function "up" gives to a method such as queryRunner.query. It runs nothing. It follows functions of the program that get the
// connection, and marks calls under a condition or in a loop. Every other use of the connection is returned as unread, with its position.
//
// Programs come from strangers. The work of reading one is bounded: it does not grow with the square of its length.
package jscode
