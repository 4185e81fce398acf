# What R says about unbalanced.csv: run once, `Rscript unbalanced.R > unbalanced.json`, in this folder.
library(sandwich); library(lme4)
everybody <- read.csv("unbalanced.csv")
images_of <- function(people) {
  images <- people[rep(seq_len(nrow(people)), people$n), c("group", "person")]
  images$y <- unlist(mapply(function(n, hits) c(rep(1, hits), rep(0, n - hits)), people$n, people$hits, SIMPLIFY = FALSE))
  images
}
number <- function(x) paste0("[", paste(format(x, digits = 15), collapse = ", "), "]")
images <- images_of(everybody[everybody$set == "unbalanced", ])
groups <- sort(unique(images$group))
one <- lapply(groups, function(g) lm(y ~ 1, images[images$group == g, ]))
# cadjust = TRUE takes back the (G - 1) / G that vcovCL puts before type HC2: what is left is Bell and McCaffrey's.
variance <- mapply(function(fit, g) vcovCL(fit, cluster = images$person[images$group == g], type = "HC2",
                                           cadjust = TRUE)[1, 1], one, groups)
mixed <- glmer(y ~ group + (1 | person), images_of(everybody[everybody$set == "even", ]), family = binomial, nAGQ = 15)
test <- summary(mixed)$coefficients
cat("{\n")
cat('"versions": "', R.version.string, ", sandwich ", as.character(packageVersion("sandwich")), ", lme4 ",
    as.character(packageVersion("lme4")), '",\n', sep = "")
cat('"rate":', number(sapply(one, coef)), ",\n")
cat('"variance_hc2":', number(variance), ",\n")
cat('"even_glmer_p_against_A":', number(test[-1, 4]), "\n}\n")
