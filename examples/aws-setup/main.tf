# A user that can do one thing, take on a role, and the role that holds the rights. No access key: it would lie in the
# state. Make it straight into the device: hardkey import NAME --create-for USER, or with docs/aws-setup.md.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "user_name" {
  type    = string
  default = "hardkey-edge"
}

variable "role_name" {
  type    = string
  default = "edge-uploader"
}

variable "bucket_name" {
  type        = string
  description = "The bucket that the role may write to"
}

variable "may_rotate" {
  type        = bool
  description = "Lets the key replace itself (hardkey rotate)"
  default     = true
}

data "aws_partition" "current" {}

resource "aws_iam_user" "edge" {
  name = var.user_name
}

resource "aws_iam_user_policy" "take_on_role" {
  name = "take-on-role"
  user = aws_iam_user.edge.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = aws_iam_role.uploader.arn
    }]
  })
}

resource "aws_iam_user_policy" "rotate" {
  count = var.may_rotate ? 1 : 0
  name  = "rotate-own-access-key"
  user  = aws_iam_user.edge.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = [
        "iam:CreateAccessKey",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "iam:UpdateAccessKey",
        "iam:DeleteAccessKey",
      ]
      Resource = aws_iam_user.edge.arn
    }]
  })
}

resource "aws_iam_role" "uploader" {
  name                 = var.role_name
  max_session_duration = 3600
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_user.edge.arn }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "uploads" {
  name = "uploads"
  role = aws_iam_role.uploader.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "s3:PutObject"
      Resource = "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}/*"
    }]
  })
}

output "role_arn" {
  description = "For hardkey import --role-arn"
  value       = aws_iam_role.uploader.arn
}
