// Package jvm reads what Java, Kotlin, Scala and Groovy declare to a mapper: JPA, Hibernate, Micronaut, Spring Data and
// MyBatis.
package jvm
