from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class Stamped(models.Model):
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class Team(Stamped):
    name = models.CharField(max_length=40, unique=True)


class User(AbstractBaseUser, Stamped):
    email = models.EmailField(max_length=200, unique=True)
    full_name = models.TextField(default="", blank=True)
    teams = models.ManyToManyField(Team)

    USERNAME_FIELD = "email"


class Profile(User):
    bio = models.TextField(blank=True)


class Manager(User):
    class Meta:
        proxy = True
