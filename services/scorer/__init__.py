"""The scorer: boards from votes. Judge-weighted Bradley-Terry strengths, their intervals and matrices."""
